// SPDX-License-Identifier: BSD-3-Clause
// Private to the inet*.c files: AF_INET and AF_INET6, streams and datagrams, over sockets of the host, which sees what
// goes through them.
#pragma once

#include "libos/fs/hostpoll.h"
#include "libos/host/hostsock.h"
#include "libos/net/socket.h"

struct inet_socket {
    struct socket socket;
    int fd; // the host's
    struct hostpoll poll;
};

extern const struct socket_ops inet_ops;

static inline struct inet_socket *inet_of(struct socket *socket)
{
    return container_of(socket, struct inet_socket, socket);
}

// A program's address as the host gets it: -EINVAL, -EAFNOSUPPORT. AF_UNSPEC is let through for connect.
__nodiscard int inet_address(const struct inet_socket *socket, const struct net_name *name,
                             struct host_address *ret_address);
void inet_name(const struct host_address *address, struct net_name *ret_name);

long inet_send(struct socket *base, struct message *message); // inet_data.c
long inet_receive(struct socket *base, struct message *message);
int inet_get_option(struct socket *base, int level, int option, void *value, u32 *size); // inet_option.c
int inet_set_option(struct socket *base, int level, int option, const void *value, u32 size);
