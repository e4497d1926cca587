// SPDX-License-Identifier: BSD-3-Clause
// Sockets: what the system calls know of them (sys_*.c), and what an address family does (socket_ops).
#pragma once

#include "libos/fs/poll.h"
#include "libos/net/abi.h"

struct socket;

// A socket address in the caller's form. size 0: none.
struct net_name {
    u32 size;
    union {
        u16 family;
        u8 bytes[sizeof(struct __kernel_sockaddr_storage)];
    };
};

// One message on its way. The data are in the uio; the rest is in the LibOS's memory.
struct message {
    struct uio *uio;
    u32 flags;            // MSG_*: what was asked; MSG_DONTWAIT also for a non-blocking file
    struct net_name name; // where to; where from
    u8 *control;          // ancillary data: what to send; room for what came
    size_t control_size;  // bytes of it
    size_t control_used;  // what came
    u32 came_flags;       // MSG_TRUNC, MSG_CTRUNC, MSG_EOR of what came
};

// What a family does not have is NULL: -EOPNOTSUPP. Nothing is locked.
struct socket_ops {
    int (*bind)(struct socket *socket, const struct net_name *name);
    int (*connect)(struct socket *socket, const struct net_name *name, bool nonblock);
    int (*listen)(struct socket *socket, int backlog);
    int (*accept)(struct socket *socket, bool nonblock, struct socket **ret_socket);
    int (*name)(struct socket *socket, bool of_peer, struct net_name *ret_name);
    long (*send)(struct socket *socket, struct message *message);
    long (*receive)(struct socket *socket, struct message *message);
    int (*shutdown)(struct socket *socket, int how);
    // An option's value: up to *size bytes, *size becomes what there is.
    int (*get_option)(struct socket *socket, int level, int option, void *value, u32 *size);
    int (*set_option)(struct socket *socket, int level, int option, const void *value, u32 size);
    u32 (*poll)(struct socket *socket, struct poll_table *table);
    long (*ioctl)(struct socket *socket, u32 command, u64 argument);
    void (*release)(struct socket *socket); // the file is gone: frees the socket
};

enum { SOCKET_KEPT = 13 };

// The head of each family's own structure.
struct socket {
    const struct socket_ops *ops;
    struct file *file; // its open file, not referenced; NULL: not accepted yet
    int family, type, protocol;
    s64 receive_timeout, send_timeout; // ns, 0: none; atomic
    struct linger linger;              // this and the next: of families for which they mean nothing (kept_option.c)
    int kept[SOCKET_KEPT];
};

enum { OPTION_MAX = 512, CONTROL_MAX = 8192 }; // bytes of an option's value; of ancillary data in a message

// --- families: a socket, or two connected ones (NULL: the family has none)
__nodiscard int unix_create(int type, int protocol, struct socket **ret_socket);
__nodiscard int inet_create(int family, int type, int protocol, struct socket **ret_socket);
// At boot: whether connections of the internet families between sockets of the enclave are made inside.
void inet_loopback_init(bool enabled);
__nodiscard int netlink_create(int type, int protocol, struct socket **ret_socket);
__nodiscard int unix_pair(int type, int protocol, struct socket *ret_pair[2]);

// --- files (socket_file.c)
// Makes the open file of a socket, which it then owns; on failure the socket is released.
__nodiscard int socket_file(struct socket *socket, u32 flags, struct file **ret_file);
// The socket of a descriptor and its file, referenced: -EBADF, -ENOTSOCK.
__nodiscard int socket_get(int fd, struct file **ret_file, struct socket **ret_socket);
struct socket *socket_of(struct file *file); // NULL: it is none

// --- for families
// An option of SOL_SOCKET that is only kept: false, if it is none of those.
bool kept_option_get(struct socket *socket, int option, void *value, u32 *size);
bool kept_option_set(struct socket *socket, int option, const void *value, u32 size, int *ret_err);
// The end of a wait for a socket that has a timeout: CLOCK_MONOTONIC ns.
s64 socket_deadline(s64 timeout);
// What a call returns whose wait ended with err: a timeout is -EAGAIN, and with a timeout nothing is restarted.
int socket_wait_error(int err, s64 timeout);
// Adds ancillary data to what came: what has no room is cut and MSG_CTRUNC is set.
void message_put_control(struct message *message, int level, int type, const void *data, size_t size);
// Walks what is to be sent: the next header after `at` (0: the first), its data in *ret_data, data bytes in *ret_size.
// NULL: no more; -EINVAL as an error pointer.
const struct cmsghdr *message_next_control(const struct message *message, size_t *at, const void **ret_data,
                                           size_t *ret_size);
