// SPDX-License-Identifier: BSD-3-Clause
// Private to the inet*.c files: AF_INET and AF_INET6, streams and datagrams, over sockets of the host, which sees what
// goes through them.
#pragma once

#include "libos/fs/hostpoll.h"
#include "libos/host/hostsock.h"
#include "libos/net/inet_endpoint.h"
#include "libos/net/unix.h"

#include <linux/in.h>
#include <linux/in6.h>

// Where a datagram socket is bound, for senders inside. All of it is guarded by the lock of the table
// (inet_datagram.c).
struct inet_bound {
    struct list_head link; // empty: nobody inside knows of it
    struct endpoint own, peer;
    bool only_six, shares_port; // IPV6_V6ONLY, SO_REUSEPORT
    bool connected;             // hears its peer only
    bool sends_outside;         // all that it sends goes through the host
    bool hears_outside;         // all that it hears comes through the host
};

// Options of a stream that a socket which it accepts begins with. Only what was set is known here.
enum { INHERITED = 16 };
struct inet_inherited {
    u32 set; // bits
    int values[INHERITED];
};

struct inet_socket {
    struct socket socket;
    int fd; // the host's; -1: none yet, of a connection inside that was accepted
    struct hostpoll poll;
    struct ahead ahead; // of a stream
    // Owned. Its wait queues are those of the socket. Of a stream also a connection inside, and the backlog of such.
    struct unix_socket *inner;
    bool inside; // atomic: connected inside; stays so
    // Of a listener, guarded by listeners_lock: where it hears, IPV6_V6ONLY.
    struct endpoint hears;
    bool only_six;
    bool wants_control;              // options were set that bring ancillary data; atomic
    bool read_shut;                  // shutdown(SHUT_RD) was called; atomic
    struct list_head listening;      // of a listener: among those that are heard inside
    struct inet_bound bound;         // of datagrams
    struct inet_inherited inherited; // guarded by inner->lock
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
bool inet_loopback_on(void);
__nodiscard int inet_loopback_listen(struct inet_socket *socket, int backlog);
void inet_loopback_forget(struct inet_socket *socket);
// True: connected inside.
bool inet_loopback_connect(struct inet_socket *socket, const struct host_address *to);

// --- inet_control.c
enum { INET_CONTROL_MAX = 512 }; // bytes of ancillary data that go over the border at once

struct inet_control {
    u32 size;
    u8 bytes[INET_CONTROL_MAX] __attribute__((aligned(8)));
};

// What of a message's ancillary data the host is to send along: -EINVAL, -ENOBUFS.
__nodiscard int inet_control_to_send(struct inet_socket *socket, const struct message *message,
                                     struct inet_control *ret_control);
void inet_control_came(const struct inet_control *control, struct message *message); // from the host; to the program
bool inet_control_option(int level, int option); // of those that make ancillary data come

// --- inet_datagram.c
// The host bound it, or may have: learns where. -errno of asking.
__nodiscard int inet_datagram_bound(struct inet_socket *socket);
void inet_datagram_connected(struct inet_socket *socket, const struct host_address *to); // NULL: not any more
void inet_datagram_forget(struct inet_socket *socket);
bool inet_datagram_known(struct inet_socket *socket); // senders inside find it
// From now on all that it sends or hears is to go through the host. Never taken back.
void inet_datagram_outside(struct inet_socket *socket, bool sends, bool hears);
// False: the message is the host's to carry. Else *ret_n is what the call returns.
bool inet_datagram_send(struct inet_socket *socket, struct message *message, const struct host_address *to,
                        long *ret_n);
// The next one that came inside: as recv(2); -EAGAIN: there is none.
long inet_datagram_receive(struct inet_socket *socket, struct message *message);
bool inet_datagram_next_size(struct inet_socket *socket, u32 *ret_size); // FIONREAD; false: none came inside

long inet_send(struct socket *base, struct message *message); // inet_data.c
long inet_receive(struct socket *base, struct message *message);
// The options of a listener become those of a socket that was accepted inside; later, those of its host socket.
void inet_inherit_options(struct inet_socket *accepted, struct inet_socket *listener);
void inet_apply_options(struct inet_socket *socket, int fd);
int inet_get_option(struct socket *base, int level, int option, void *value, u32 *size); // inet_option.c
int inet_set_option(struct socket *base, int level, int option, const void *value, u32 size);
