// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX sockets: how they are made, find each other and end. unix(7).
#include "libos/net/unix.h"
#include "base/string.h"
#include "libos/net/interface.h"
#include "libos/mem/heap.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

enum { BUFFER_SIZE = 212992 }; // net.core.wmem_default of Linux

struct wait_queue unix_datagram_room = WAIT_QUEUE_INIT(unix_datagram_room);

struct unix_socket *unix_ref(struct unix_socket *socket)
{
    __atomic_fetch_add(&socket->refs, 1, __ATOMIC_RELAXED);
    return socket;
}

void unix_put(struct unix_socket *socket)
{
    if (!socket || __atomic_fetch_sub(&socket->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    unix_drop_queue(socket);
    unix_name_put(socket->name);
    unix_put(socket->peer);
    kfree(socket);
}

struct unix_socket *unix_peer(struct unix_socket *socket)
{
    mutex_lock(&socket->lock);
    struct unix_socket *peer = socket->peer ? unix_ref(socket->peer) : NULL;
    mutex_unlock(&socket->lock);
    return peer;
}

static struct ucred own_credentials(void)
{
    const struct cred *cred = current_cred();
    return (struct ucred){ .pid = fs_current_pid(), .uid = cred->euid, .gid = cred->egid };
}

static struct unix_socket *alloc(int type)
{
    struct unix_socket *socket = kzalloc(sizeof(*socket));
    if (!socket)
        return NULL;
    socket->socket = (struct socket){ .ops = &unix_ops, .family = AF_UNIX, .type = type };
    socket->refs = 1;
    mutex_init(&socket->lock, LOCK_UNIX);
    byteq_init(&socket->in);
    socket->send_size = socket->receive_size = BUFFER_SIZE;
    socket->credentials = own_credentials();
    list_init(&socket->backlog);
    list_init(&socket->pending);
    list_init(&socket->flying);
    wait_queue_init(&socket->readable);
    wait_queue_init(&socket->writable);
    return socket;
}

int unix_create(int type, int protocol, struct socket **ret_socket)
{
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct unix_socket *socket = alloc(type);
    if (!socket)
        return -ENOMEM;
    *ret_socket = &socket->socket;
    return 0;
}

// Both are the caller's alone.
static void join(struct unix_socket *a, struct unix_socket *b)
{
    a->peer = unix_ref(b);
    b->peer = unix_ref(a);
    a->state = b->state = UNIX_CONNECTED;
    a->peer_credentials = b->credentials;
    b->peer_credentials = a->credentials;
}

int unix_pair(int type, int protocol, struct socket *ret_pair[2])
{
    int err = unix_create(type, protocol, &ret_pair[0]);
    if (err)
        return err;
    err = unix_create(type, protocol, &ret_pair[1]);
    if (err)
        ret_pair[0]->ops->release(ret_pair[0]);
    else
        join(unix_of(ret_pair[0]), unix_of(ret_pair[1]));
    return err;
}

// --- connecting

static int unix_listen(struct socket *base, int backlog)
{
    struct unix_socket *socket = unix_of(base);
    int err = 0;

    if (base->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    mutex_lock(&socket->lock);
    if (!socket->name || socket->state == UNIX_CONNECTED)
        err = -EINVAL;
    else {
        socket->state = UNIX_LISTENING;
        socket->backlog_max = (u32)MIN(backlog < 0 ? SOMAXCONN : backlog, (int)SOMAXCONN) + 1;
        socket->credentials = own_credentials();
    }
    mutex_unlock(&socket->lock);
    wake_up_all(&socket->writable);
    return err;
}

// Puts the other end of a connection into the backlog: -EAGAIN, if that is full. listener->lock held.
static int enqueue(struct unix_socket *listener, struct unix_socket *end, int type)
{
    mutex_assert_held(&listener->lock);
    if (listener->closed || listener->state != UNIX_LISTENING || listener->read_shut)
        return -ECONNREFUSED;
    if (listener->socket.type != type)
        return -EPROTOTYPE;
    if (listener->backlog_size >= listener->backlog_max)
        return -EAGAIN;
    end->name = listener->name ? unix_name_ref(listener->name) : NULL;
    end->credentials = listener->credentials;
    end->pass_credentials = listener->pass_credentials;
    list_add_tail(&unix_ref(end)->pending, &listener->backlog);
    WRITE_ONCE(listener->backlog_size, listener->backlog_size + 1); // inet's accept looks without the lock
    return 0;
}

static bool backlog_has_room(struct unix_socket *listener)
{
    mutex_lock(&listener->lock);
    bool room = listener->closed || listener->backlog_size < listener->backlog_max;
    mutex_unlock(&listener->lock);
    return room;
}

// Joins a new end with the caller's socket, and shows it to the listener.
static int offer(struct unix_socket *socket, struct unix_socket *listener, struct unix_socket *end)
{
    mutex_lock(&socket->lock);
    int err = socket->state == UNIX_NEW ? 0 : socket->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    struct ucred credentials = own_credentials();
    mutex_unlock(&socket->lock);
    if (err)
        return err;
    end->peer_credentials = credentials;
    mutex_lock(&listener->lock);
    err = enqueue(listener, end, socket->socket.type);
    mutex_unlock(&listener->lock);
    return err;
}

// The listener may have accepted the end, but nothing was said through it: both sides meet here, under the lock of
// each.
static int complete(struct unix_socket *socket, struct unix_socket *end)
{
    int err = 0;

    mutex_lock(&socket->lock);
    if (socket->state != UNIX_NEW)
        err = -EISCONN;
    else {
        socket->state = UNIX_CONNECTED;
        socket->peer = unix_ref(end);
        socket->own = end->other;
        socket->other = end->own;
        socket->peer_credentials = end->credentials;
    }
    mutex_unlock(&socket->lock);
    return err;
}

// own and to: the addresses that the socket and the end have, of the internet families; none of AF_UNIX.
static int connect_stream(struct unix_socket *socket, struct unix_socket *listener, const struct host_address *own,
                          const struct host_address *to, bool nonblock)
{
    s64 timeout = READ_ONCE(socket->socket.send_timeout), deadline = socket_deadline(timeout);
    struct unix_socket *end = alloc(socket->socket.type);
    int err;

    if (!end)
        return -ENOMEM;
    end->state = UNIX_CONNECTED;
    end->peer = unix_ref(socket);
    end->tcp = socket->tcp;
    end->own = *to;
    end->other = *own;
    while ((err = offer(socket, listener, end)) == -EAGAIN && !nonblock) {
        err = wait_event(&listener->writable, backlog_has_room(listener), deadline);
        if (err) {
            err = socket_wait_error(err, timeout);
            break;
        }
    }
    if (!err)
        err = complete(socket, end);
    if (err) {
        unix_put(end);
        return err;
    }
    wake_up_all(&listener->readable);
    wake_up_all(&socket->writable);
    unix_put(end);
    return 0;
}

// AF_UNSPEC takes the connection of a datagram socket back.
static int connect_datagram(struct unix_socket *socket, const struct net_name *name)
{
    struct unix_socket *peer = NULL, *old;
    int err = name->family == AF_UNSPEC ? 0 : unix_find(name, &peer);

    if (!err && peer && peer->socket.type != SOCK_DGRAM)
        err = -EPROTOTYPE;
    if (err) {
        unix_put(peer);
        return err;
    }
    mutex_lock(&socket->lock);
    old = socket->peer;
    socket->peer = peer;
    socket->state = peer ? UNIX_CONNECTED : UNIX_NEW;
    mutex_unlock(&socket->lock);
    unix_put(old);
    wake_up_all(&socket->writable);
    return 0;
}

static int unix_connect(struct socket *base, const struct net_name *name, bool nonblock)
{
    static const struct host_address none;
    struct unix_socket *listener;

    if (name->size < sizeof(name->family))
        return -EINVAL;
    if (base->type == SOCK_DGRAM)
        return connect_datagram(unix_of(base), name);
    int err = unix_find(name, &listener);
    if (err)
        return err;
    err = connect_stream(unix_of(base), listener, &none, &none, nonblock);
    unix_put(listener);
    return err;
}

static struct unix_socket *take_pending(struct unix_socket *listener, int *ret_err)
{
    struct unix_socket *end = NULL;

    mutex_lock(&listener->lock);
    *ret_err = listener->state == UNIX_LISTENING ? -EAGAIN : -EINVAL;
    if (listener->read_shut)
        *ret_err = -EINVAL;
    if (!list_empty(&listener->backlog)) {
        end = list_first(&listener->backlog, struct unix_socket, pending);
        list_del(&end->pending);
        WRITE_ONCE(listener->backlog_size, listener->backlog_size - 1);
    }
    mutex_unlock(&listener->lock);
    return end;
}

static bool acceptable(struct unix_socket *listener)
{
    mutex_lock(&listener->lock);
    bool can = listener->backlog_size || listener->read_shut || listener->state != UNIX_LISTENING;
    mutex_unlock(&listener->lock);
    return can;
}

static int unix_accept(struct socket *base, bool nonblock, struct socket **ret_socket)
{
    struct unix_socket *listener = unix_of(base), *end;
    s64 timeout = READ_ONCE(base->receive_timeout), deadline = socket_deadline(timeout);
    int err;

    if (base->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    while (!(end = take_pending(listener, &err))) {
        if (err != -EAGAIN || nonblock)
            return err;
        err = wait_event(&listener->readable, acceptable(listener), deadline);
        if (err)
            return socket_wait_error(err, timeout);
    }
    wake_up_all(&listener->writable);
    *ret_socket = &end->socket;
    return 0;
}

// --- ending

struct unix_socket *unix_stream_new(void)
{
    struct unix_socket *socket = alloc(SOCK_STREAM);
    if (socket)
        socket->tcp = true;
    return socket;
}

void unix_stream_listen(struct unix_socket *socket, int backlog)
{
    mutex_lock(&socket->lock);
    socket->state = UNIX_LISTENING;
    socket->backlog_max = (u32)MIN(backlog < 0 ? SOMAXCONN : backlog, (int)SOMAXCONN) + 1;
    mutex_unlock(&socket->lock);
}

int unix_stream_connect(struct unix_socket *socket, struct unix_socket *listener, const struct host_address *own,
                        const struct host_address *to)
{
    return connect_stream(socket, listener, own, to, true);
}

struct unix_socket *unix_stream_accept(struct unix_socket *listener)
{
    int err;
    struct unix_socket *end = take_pending(listener, &err);
    if (end)
        wake_up_all(&listener->writable);
    return end;
}

// The peer learns that nothing more comes, or that nothing more is taken. lock of none held.
static void shut_peer(struct unix_socket *peer, bool no_more_comes, bool nothing_taken, bool reset)
{
    mutex_lock(&peer->lock);
    peer->read_shut |= no_more_comes;
    peer->peer_ended |= no_more_comes;
    peer->write_shut |= nothing_taken;
    if (reset)
        peer->error = ECONNRESET;
    mutex_unlock(&peer->lock);
    wake_up_all(&peer->readable);
    wake_up_all(&peer->writable);
}

static int unix_shutdown(struct socket *base, int how)
{
    struct unix_socket *socket = unix_of(base), *peer = unix_peer(socket);
    bool read = how != SHUT_WR, write = how != SHUT_RD;

    mutex_lock(&socket->lock);
    socket->read_shut |= read;
    socket->write_shut |= write;
    mutex_unlock(&socket->lock);
    wake_up_all(&socket->readable);
    wake_up_all(&socket->writable);
    if (peer && base->type != SOCK_DGRAM)
        shut_peer(peer, write, read && !socket->tcp, false);
    unix_put(peer);
    return 0;
}

// The last reference of the file, or of the place in a backlog.
static void close_socket(struct unix_socket *socket)
{
    struct unix_socket *end;
    int err;

    unix_name_unlist(socket);
    mutex_lock(&socket->lock);
    socket->closed = socket->read_shut = socket->write_shut = true;
    bool reset = byteq_first(&socket->in) || socket->reset_on_close;
    struct unix_socket *peer = socket->peer;
    socket->peer = NULL;
    mutex_unlock(&socket->lock);
    while ((end = take_pending(socket, &err)))
        close_socket(end);
    wake_up_all(&socket->readable);
    wake_up_all(&socket->writable);
    if (socket->socket.type == SOCK_DGRAM)
        wake_up_all(&unix_datagram_room);
    else if (peer)
        shut_peer(peer, true, !socket->tcp || reset, reset);
    unix_drop_queue(socket);
    unix_put(peer);
    unix_put(socket);
}

static void unix_release(struct socket *base) { close_socket(unix_of(base)); }

// --- what is known of it

static int unix_getname(struct socket *base, bool of_peer, struct net_name *ret_name)
{
    struct unix_socket *socket = of_peer ? unix_peer(unix_of(base)) : unix_ref(unix_of(base));

    if (!socket)
        return -ENOTCONN;
    *ret_name = (struct net_name){ .size = sizeof(ret_name->family), .family = AF_UNIX };
    mutex_lock(&socket->lock);
    if (socket->name)
        *ret_name = socket->name->name;
    mutex_unlock(&socket->lock);
    unix_put(socket);
    return 0;
}

static u32 read_events(const struct unix_socket *socket)
{
    u32 events = 0;

    if (unix_urgent_readable(socket) || socket->in.packets || socket->read_shut || socket->backlog_size)
        events |= POLLIN | POLLRDNORM;
    if (socket->read_shut)
        events |= POLLRDHUP;
    if (socket->read_shut && socket->write_shut)
        events |= POLLHUP;
    if (socket->urgent == URGENT_UNREAD)
        events |= POLLPRI;
    if (socket->error)
        events |= POLLERR;
    return events;
}

bool unix_stream_is_over(struct unix_socket *socket)
{
    mutex_lock(&socket->lock);
    bool over = socket->peer_ended && socket->write_shut;
    mutex_unlock(&socket->lock);
    return over;
}

u32 unix_events(struct unix_socket *socket)
{
    bool datagram = socket->socket.type == SOCK_DGRAM;

    mutex_lock(&socket->lock);
    u32 events = read_events(socket);
    enum unix_state state = socket->state;
    u64 limit = socket->send_size;
    struct unix_socket *peer = socket->peer ? unix_ref(socket->peer) : NULL;
    mutex_unlock(&socket->lock);
    if (state == UNIX_NEW && !datagram)
        events |= POLLHUP;
    if (state != UNIX_LISTENING && (!peer || unix_writable(peer, limit)))
        events |= POLLOUT | POLLWRNORM;
    unix_put(peer);
    return events;
}

static u32 unix_poll(struct socket *base, struct poll_table *table)
{
    struct unix_socket *socket = unix_of(base);
    poll_wait_pair(table, &socket->readable, base->type == SOCK_DGRAM ? &unix_datagram_room : &socket->writable);
    return unix_events(socket);
}

static long unix_ioctl(struct socket *base, u32 command, u64 argument)
{
    struct unix_socket *socket = unix_of(base);
    u32 n = 0;

    if (command == SIOCATMARK && socket->tcp)
        return put_user((int)unix_urgent_at_mark(socket), (int __user *)argument) ? -EFAULT : 0;
    if (interface_asks(AF_UNIX, command))
        return interface_ioctl(-1, command, argument);
    if (command != FIONREAD && command != TIOCOUTQ)
        return -ENOTTY;
    struct unix_socket *holder = command == FIONREAD ? unix_ref(socket) : unix_peer(socket);
    if (holder) {
        mutex_lock(&holder->lock);
        struct piece *first = byteq_first(&holder->in);
        n = first && first->packet ? first->end - first->start : (u32)unix_urgent_pending(holder);
        mutex_unlock(&holder->lock);
    }
    unix_put(holder);
    return put_user(n, (u32 __user *)argument) ? -EFAULT : 0;
}

// --- options

static int get_option(struct socket *base, int level, int option, void *value, u32 *size)
{
    struct unix_socket *socket = unix_of(base);
    int number = 0;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (kept_option_get(base, option, value, size))
        return 0;
    mutex_lock(&socket->lock);
    struct ucred peer = socket->peer_credentials;
    bool connected = socket->state == UNIX_CONNECTED;
    switch (option) {
    case SO_ERROR:
        number = socket->error;
        socket->error = 0;
        break;
    case SO_SNDBUF:
        number = (int)socket->send_size;
        break;
    case SO_RCVBUF:
        number = (int)socket->receive_size;
        break;
    case SO_PASSCRED:
        number = socket->pass_credentials;
        break;
    case SO_ACCEPTCONN:
        number = socket->state == UNIX_LISTENING;
        break;
    case SO_PEERCRED:
        break;
    default:
        number = -1;
    }
    mutex_unlock(&socket->lock);
    if (option == SO_PEERCRED) {
        if (!connected)
            peer = (struct ucred){ 0, ~0u, ~0u };
        *size = MIN(*size, (u32)sizeof(peer));
        memcpy(value, &peer, *size);
        return 0;
    }
    if (number < 0)
        return -ENOPROTOOPT;
    *size = MIN(*size, (u32)sizeof(number));
    memcpy(value, &number, *size);
    return 0;
}

static int set_option(struct socket *base, int level, int option, const void *value, u32 size)
{
    struct unix_socket *socket = unix_of(base);
    int number, err = 0;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (kept_option_set(base, option, value, size, &err))
        return err;
    err = 0;
    if (size < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    // socket(7): the kernel doubles what is asked, and has a least.
    bool sends = option == SO_SNDBUF || option == SO_SNDBUFFORCE;
    u64 twice = MAX((u64)MIN(MAX(number, 0), (int)BUFFER_SIZE) * 2, sends ? 4608ul : 2304ul);
    mutex_lock(&socket->lock);
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        socket->send_size = twice;
        break;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        socket->receive_size = twice;
        break;
    case SO_PASSCRED:
        WRITE_ONCE(socket->pass_credentials, number); // senders look without the lock
        break;
    default:
        err = -ENOPROTOOPT;
    }
    mutex_unlock(&socket->lock);
    return err;
}

const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .name = unix_getname,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .get_option = get_option,
    .set_option = set_option,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .release = unix_release,
};
