// SPDX-License-Identifier: BSD-3-Clause
// How sockets of the internet families are made, named, connected and ended. ip(7), tcp(7), udp(7).
#include "libos/net/inet.h"
#include "libos/net/interface.h"

#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/vm/user.h"

enum { PROTOCOLS = 262 + 1 }; // IPPROTO_MAX of Linux, which counts IPPROTO_MPTCP

int inet_address(const struct inet_socket *socket, const struct net_name *name, struct host_address *ret_address)
{
    u32 size = socket->socket.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    // Linux takes an IPv6 address without its last member (RFC 2133).
    u32 least = socket->socket.family == AF_INET ? size : size - 4;

    if (name->size < sizeof(name->family))
        return -EINVAL;
    *ret_address = (struct host_address){ .size = MIN(name->size, size) };
    memcpy(ret_address->bytes, name->bytes, ret_address->size);
    if (name->family == AF_UNSPEC)
        return 0;
    // To an IPv4 address through an IPv6 socket: the host says what it thinks of it.
    if (name->family == AF_INET && name->size >= sizeof(struct sockaddr_in)) {
        ret_address->size = sizeof(struct sockaddr_in);
        return 0;
    }
    if (name->size < least)
        return -EINVAL;
    return name->family == socket->socket.family ? 0 : -EAFNOSUPPORT;
}

void inet_name(const struct host_address *address, struct net_name *ret_name)
{
    *ret_name = (struct net_name){ .size = address->size };
    memcpy(ret_name->bytes, address->bytes, address->size);
}

// inner: its inside, or NULL for a new one.
static struct inet_socket *alloc(int family, int type, int protocol, struct unix_socket *inner)
{
    struct inet_socket *socket = kzalloc(sizeof(*socket));
    if (!socket)
        return NULL;
    socket->socket = (struct socket){ .ops = &inet_ops, .family = family, .type = type, .protocol = protocol };
    socket->fd = -1;
    list_init(&socket->listening);
    list_init(&socket->bound.link);
    socket->inner = inner ? inner : unix_stream_new();
    ahead_init(&socket->ahead);
    if (socket->inner && hostpoll_open(&socket->poll, -1, &socket->inner->readable, &socket->inner->writable) == 0) {
        socket->poll.ahead = type == SOCK_STREAM ? &socket->ahead : NULL;
        return socket;
    }
    if (socket->inner && !inner)
        unix_put(socket->inner);
    kfree(socket);
    return NULL;
}

static void reset_at_close(struct inet_socket *socket)
{
    const struct linger at_once = { .on = 1 };
    int err = hostsock_set_option(socket->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)err; // then it ends orderly
}

static void release(struct socket *base)
{
    struct inet_socket *socket = inet_of(base);
    inet_loopback_forget(socket);
    inet_datagram_forget(socket);
    hostpoll_close(&socket->poll);
    if (ahead_drop(&socket->ahead)) // what is closed with data unread is reset; the host does not know of them
        reset_at_close(socket);
    if (socket->fd >= 0)
        hostsock_close(socket->fd, hostpoll_cookie(&socket->poll));
    socket->inner->socket.ops->release(&socket->inner->socket);
    kfree(socket);
}

static int default_protocol(int family, int type, int protocol)
{
    int ping = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6; // the host says who may
    if (type == SOCK_STREAM)
        return !protocol || protocol == IPPROTO_TCP ? IPPROTO_TCP : -EPROTONOSUPPORT;
    if (protocol == IPPROTO_UDPLITE || protocol == ping)
        return protocol;
    return !protocol || protocol == IPPROTO_UDP ? IPPROTO_UDP : -EPROTONOSUPPORT;
}

int inet_create(int family, int type, int protocol, struct socket **ret_socket)
{
    if (protocol < 0 || protocol >= PROTOCOLS)
        return -EINVAL;
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return type == SOCK_RAW ? -EPERM : -ESOCKTNOSUPPORT;
    protocol = default_protocol(family, type, protocol);
    if (protocol < 0)
        return protocol;
    struct inet_socket *socket = alloc(family, type, protocol, NULL);
    if (!socket)
        return -ENOMEM;
    socket->fd = socket->poll.fd = hostsock_open(family, type, protocol);
    if (socket->fd < 0) {
        int err = socket->fd;
        release(&socket->socket);
        return err;
    }
    if (type == SOCK_DGRAM && protocol != IPPROTO_UDP)
        inet_datagram_outside(socket, true, true);
    *ret_socket = &socket->socket;
    return 0;
}

int inet_fd(struct inet_socket *socket)
{
    int none = -1, fd = READ_ONCE(socket->fd);
    if (fd >= 0)
        return fd;
    fd = hostsock_open(socket->socket.family, socket->socket.type, socket->socket.protocol);
    if (fd >= 0)
        inet_apply_options(socket, fd);
    if (fd < 0 || __atomic_compare_exchange_n(&socket->fd, &none, fd, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return fd;
    hostsock_close(fd, 0); // another thread was faster
    return none;
}

static int inet_bind(struct socket *base, const struct net_name *name)
{
    struct inet_socket *socket = inet_of(base);
    struct host_address address;
    int err = inet_address(socket, name, &address);
    if (!err)
        err = inet_is_inside(socket) ? -EINVAL : hostsock_bind(socket->fd, &address);
    return !err && base->type == SOCK_DGRAM ? inet_datagram_bound(socket) : err;
}

// SO_ERROR: what became of a connection. Taken once.
static int pending_error(struct inet_socket *socket)
{
    int error = 0;
    u32 begun = hostpoll_begin(&socket->poll);
    int n = hostsock_get_option(socket->fd, SOL_SOCKET, SO_ERROR, &error, sizeof(error));
    hostpoll_clear(&socket->poll, begun, POLLERR);
    if (n < 0)
        return n;
    return n == sizeof(error) && error >= 0 && error <= 133 ? -error : -EIO;
}

// A connection that is under way: waits for its end.
static int wait_connected(struct inet_socket *socket)
{
    s64 timeout = READ_ONCE(socket->socket.send_timeout);
    int err = inet_wait(socket, POLLOUT, socket_deadline(timeout));
    if (err == -ETIMEDOUT)
        return -EINPROGRESS; // socket(7), SO_SNDTIMEO
    return err ? socket_wait_error(err, timeout) : pending_error(socket);
}

static int inet_connect(struct socket *base, const struct net_name *name, bool nonblock)
{
    struct inet_socket *socket = inet_of(base);
    struct host_address address;

    int err = inet_address(socket, name, &address);
    if (err)
        return err;
    if (inet_is_inside(socket))
        return -EISCONN;
    if (base->type == SOCK_STREAM && name->family != AF_UNSPEC && inet_loopback_connect(socket, &address))
        return nonblock ? -EINPROGRESS : 0;
    // What held for the unconnected socket (POLLHUP) says nothing any more; the host tells anew.
    hostpoll_clear(&socket->poll, hostpoll_begin(&socket->poll), ~0u);
    err = hostsock_connect(socket->fd, &address);
    if (!err && base->type == SOCK_STREAM && name->family == AF_UNSPEC)
        ahead_drop(&socket->ahead);
    if (!err && base->type == SOCK_DGRAM)
        inet_datagram_connected(socket, name->family == AF_UNSPEC ? NULL : &address);
    // -EALREADY: a call that a signal interrupted is made again.
    bool under_way = err == -EINPROGRESS || err == -EALREADY;
    return under_way && !nonblock ? wait_connected(socket) : err;
}

static int inet_listen(struct socket *base, int backlog)
{
    struct inet_socket *socket = inet_of(base);

    if (base->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (inet_is_inside(socket))
        return -EINVAL;
    int err = hostsock_listen(socket->fd, backlog);
    if (!err)
        err = inet_loopback_listen(socket, backlog);
    if (!err) // not closed any more, but the host does not call that a change
        hostpoll_forget(&socket->poll, hostpoll_begin(&socket->poll), ~0u);
    return err;
}

// One that connected inside.
static int accept_inside(struct inet_socket *socket, struct inet_socket **ret_accepted)
{
    struct unix_socket *end = unix_stream_accept(socket->inner);
    if (!end)
        return -EAGAIN;
    *ret_accepted = alloc(socket->socket.family, SOCK_STREAM, socket->socket.protocol, end);
    if (!*ret_accepted) {
        end->socket.ops->release(&end->socket);
        return -ENOMEM;
    }
    (*ret_accepted)->inside = true;
    inet_inherit_options(*ret_accepted, socket);
    return 0;
}

// One attempt. The new socket has its cookie before it is there.
static int accept_now(struct inet_socket *socket, struct inet_socket **ret_accepted)
{
    if (accept_inside(socket, ret_accepted) == 0)
        return 0;
    struct inet_socket *accepted = alloc(socket->socket.family, SOCK_STREAM, socket->socket.protocol, NULL);
    struct host_address peer;

    if (!accepted)
        return -ENOMEM;
    if (READ_ONCE(socket->ahead.off))
        ahead_stop(&accepted->ahead);
    u32 begun = hostpoll_begin(&socket->poll);
    const struct host_ahead ask = ahead_ask(&accepted->ahead, hostpoll_cookie(&accepted->poll), false);
    int fd = hostsock_accept(socket->fd, socket->socket.family, ask.cookie, ask.grant, &peer);
    if (fd < 0) {
        if (fd == -EAGAIN)
            hostpoll_clear(&socket->poll, begun, POLLIN);
        release(&accepted->socket);
        return fd;
    }
    accepted->fd = accepted->poll.fd = fd;
    hostpoll_armed(&accepted->poll, POLLOUT);
    *ret_accepted = accepted;
    return 0;
}

static int inet_accept(struct socket *base, bool nonblock, struct socket **ret_socket)
{
    struct inet_socket *socket = inet_of(base), *accepted = NULL;
    s64 timeout = READ_ONCE(base->receive_timeout), deadline = socket_deadline(timeout);
    int err;

    if (base->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    while ((err = accept_now(socket, &accepted)) == -EAGAIN && !nonblock) {
        err = inet_wait(socket, POLLIN, deadline);
        if (err)
            return socket_wait_error(err, timeout);
    }
    if (!err)
        *ret_socket = &accepted->socket;
    return err;
}

static int getname(struct socket *base, bool of_peer, struct net_name *ret_name)
{
    struct inet_socket *socket = inet_of(base);
    struct host_address address;

    if (inet_is_inside(socket)) {
        if (of_peer && unix_stream_is_over(socket->inner))
            return -ENOTCONN;
        inet_name(of_peer ? &socket->inner->other : &socket->inner->own, ret_name);
        return 0;
    }
    int err = hostsock_name(socket->fd, base->family, of_peer, &address);
    if (!err)
        inet_name(&address, ret_name);
    return err;
}

static int inet_shutdown(struct socket *base, int how)
{
    struct inet_socket *socket = inet_of(base);

    if (inet_is_inside(socket))
        return socket->inner->socket.ops->shutdown(&socket->inner->socket, how);
    int err = hostsock_shutdown(socket->fd, how);
    if (!err && base->type == SOCK_DGRAM && how != SHUT_RD)
        inet_datagram_outside(socket, true, false);
    if (!err && how != SHUT_WR)
        WRITE_ONCE(socket->read_shut, true);
    if (!err) // RDHUP and HUP may hold now: the host tells of it, but perhaps not before the next look
        hostpoll_forget(&socket->poll, hostpoll_begin(&socket->poll), 0);
    return err;
}

static u32 inet_poll(struct socket *base, struct poll_table *table)
{
    struct inet_socket *socket = inet_of(base);

    if (inet_is_inside(socket)) {
        poll_wait_pair(table, &socket->inner->readable, &socket->inner->writable);
        return unix_events(socket->inner);
    }
    u32 events = hostpoll_events(&socket->poll, table);
    if (READ_ONCE(socket->inner->backlog_size) || READ_ONCE(socket->inner->in.packets))
        events |= POLLIN | POLLRDNORM;
    return events;
}

int inet_wait(struct inet_socket *socket, u32 events, s64 deadline)
{
    const u32 wanted = events | POLLERR | POLLHUP;
    struct poll_set set;
    int err = 0;

    poll_set_init(&set);
    set.table.wanted = events;
    u32 now = inet_poll(&socket->socket, &set.table);
    while (!(now & wanted) && !err) {
        err = poll_set_sleep(&set, deadline);
        now = inet_poll(&socket->socket, NULL);
    }
    poll_set_done(&set);
    hostpoll_leave();
    return now & wanted ? 0 : err;
}

static long inet_ioctl(struct socket *base, u32 command, u64 argument)
{
    struct inet_socket *socket = inet_of(base);
    int __user *user = (int __user *)argument;
    int value = 0;
    u32 next;

    if (interface_asks(base->family, command))
        return interface_ioctl(READ_ONCE(socket->fd), command, argument);
    if (command != FIONREAD && command != TIOCOUTQ && command != SIOCATMARK)
        return -ENOTTY;
    if (inet_is_inside(socket))
        return socket->inner->socket.ops->ioctl(&socket->inner->socket, command, argument);
    if (command == FIONREAD && base->type == SOCK_DGRAM && inet_datagram_next_size(socket, &next))
        return put_user((int)next, user) ? -EFAULT : 0;
    int err = inet_fd(socket);
    if (err >= 0)
        err = hostsock_ioctl(err, command, &value, sizeof(value));
    if (err)
        return err;
    if (command == FIONREAD && base->type == SOCK_STREAM)
        value += (int)MIN(ahead_size(&socket->ahead), (u32)(INT32_MAX - MAX(value, 0)));
    if (command == SIOCATMARK)
        ahead_stop(&socket->ahead); // the mark is a place in what the host has
    if (command == SIOCATMARK && ahead_size(&socket->ahead))
        value = 0;
    return put_user(value, user) ? -EFAULT : 0;
}

const struct socket_ops inet_ops = {
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .name = getname,
    .send = inet_send,
    .receive = inet_receive,
    .shutdown = inet_shutdown,
    .get_option = inet_get_option,
    .set_option = inet_set_option,
    .poll = inet_poll,
    .ioctl = inet_ioctl,
    .release = release,
};
