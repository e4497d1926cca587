// SPDX-License-Identifier: BSD-3-Clause
// Private to the inet*.c files: AF_INET and AF_INET6, streams and datagrams, over sockets of the host, which sees what
// goes through them.
#pragma once

#include "libos/fs/hostpoll.h"
#include "libos/host/hostsock.h"
#include "libos/net/unix.h"

struct inet_socket {
    struct socket socket;
    int fd; // the host's; -1: none yet, of a connection inside that was accepted
    struct hostpoll poll;
    // Owned. Its wait queues are those of the socket. Of a stream also a connection inside, and the backlog of such.
    struct unix_socket *inner;
    bool inside;                // atomic: connected inside; stays so
    bool only_six;              // of a listener: IPV6_V6ONLY
    struct list_head listening; // of a listener: among those that are heard inside
};

static inline bool inet_is_inside(const struct inet_socket *socket)
{
    return __atomic_load_n(&socket->inside, __ATOMIC_ACQUIRE);
}

extern const struct socket_ops inet_ops;

static inline struct inet_socket *inet_of(struct socket *socket)
{
    return container_of(socket, struct inet_socket, socket);
}

// A program's address as the host gets it: -EINVAL, -EAFNOSUPPORT. AF_UNSPEC is let through for connect.
__nodiscard int inet_address(const struct inet_socket *socket, const struct net_name *name,
                             struct host_address *ret_address);
void inet_name(const struct host_address *address, struct net_name *ret_name);

// Waits until one of the events holds, or an error: 0, -EINTR, -ETIMEDOUT.
__nodiscard int inet_wait(struct inet_socket *socket, u32 events, s64 deadline);
// The host's socket, made now if there is none. -errno
int inet_fd(struct inet_socket *socket);

// --- inet_loopback.c
__nodiscard int inet_loopback_listen(struct inet_socket *socket, int backlog);
void inet_loopback_forget(struct inet_socket *socket);
// True: connected inside.
bool inet_loopback_connect(struct inet_socket *socket, const struct host_address *to);

long inet_send(struct socket *base, struct message *message); // inet_data.c
long inet_receive(struct socket *base, struct message *message);
int inet_get_option(struct socket *base, int level, int option, void *value, u32 *size); // inet_option.c
int inet_set_option(struct socket *base, int level, int option, const void *value, u32 size);
