// SPDX-License-Identifier: BSD-3-Clause
// Data of the internet families. One host call for a send or a receive that moves something; who has to wait waits in
// hostpoll.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/net/inet.h"
#include "libos/thread/thread.h"

enum {
    SMALL = 1024, // bytes that go over the stack
    DATAGRAM_MAX = 65535,
    SEND_FLAGS = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE,
    RECEIVE_FLAGS = MSG_OOB | MSG_PEEK | MSG_ERRQUEUE,
};

// Memory between the program and the host call.
struct buffer {
    u8 small[SMALL];
    u8 *data;
    size_t size;
};

static int buffer_init(struct buffer *buffer, size_t size)
{
    buffer->size = size;
    buffer->data = size <= SMALL ? buffer->small : kmalloc(size);
    return buffer->data ? 0 : -ENOMEM;
}

static void buffer_done(struct buffer *buffer)
{
    if (buffer->data != buffer->small)
        kfree(buffer->data);
}

// --- sending

// What goes with the data.
struct envelope {
    struct host_address to;
    struct inet_control control;
};

// Sends once, or waits until something can be sent.
static long send_now(struct inet_socket *socket, const void *data, size_t size, struct message *message,
                     const struct envelope *envelope)
{
    s64 timeout = READ_ONCE(socket->socket.send_timeout), deadline = socket_deadline(timeout);
    u32 flags = message->flags & SEND_FLAGS;
    bool stream = socket->socket.type == SOCK_STREAM;

    for (;;) {
        u32 begun = hostpoll_begin(&socket->poll);
        struct host_ahead ask =
            stream ? ahead_ask(&socket->ahead, hostpoll_cookie(&socket->poll), false) : (struct host_ahead){ 0 };
        long n = envelope->control.size ? hostsock_send_with(socket->fd, data, size, flags, &envelope->to,
                                                             envelope->control.bytes, envelope->control.size)
                                        : hostsock_send(socket->fd, data, size, flags, &envelope->to, &ask);
        if (n == -EINTR)
            continue;
        if (n != -EAGAIN) {
            if (n < 0) // an error that waited is told now
                hostpoll_clear(&socket->poll, begun, POLLERR);
            return n;
        }
        hostpoll_clear(&socket->poll, begun, POLLOUT);
        if (message->flags & MSG_DONTWAIT)
            return -EAGAIN;
        int err = inet_wait(socket, POLLOUT, deadline);
        if (err)
            return socket_wait_error(err, timeout);
    }
}

// All of a chunk of a stream. Adds what went to *ret_done, also when an error ends it.
static long send_chunk(struct inet_socket *socket, const struct buffer *buffer, struct message *message,
                       const struct envelope *envelope, long *ret_done)
{
    for (size_t at = 0; at < buffer->size;) {
        long n = send_now(socket, buffer->data + at, buffer->size - at, message, envelope);
        if (n < 0)
            return n;
        at += (size_t)n;
        *ret_done += n;
    }
    return 0;
}

static long send_stream(struct inet_socket *socket, struct message *message, const struct envelope *envelope)
{
    size_t most = MIN(message->uio->left, (size_t)HOSTSOCK_CHUNK);
    struct buffer buffer;
    long done = 0, err = buffer_init(&buffer, most);

    if (err)
        return err;
    while (!err && message->uio->left) {
        buffer.size = MIN(message->uio->left, most);
        err = uio_take(message->uio, buffer.data, buffer.size);
        if (!err)
            err = send_chunk(socket, &buffer, message, envelope, &done);
    }
    buffer_done(&buffer);
    return done ? done : err;
}

static long send_datagram(struct inet_socket *socket, struct message *message, const struct envelope *envelope)
{
    struct buffer buffer;

    if (message->uio->left > DATAGRAM_MAX)
        return -EMSGSIZE;
    long n = buffer_init(&buffer, message->uio->left);
    if (n)
        return n;
    n = uio_take(message->uio, buffer.data, buffer.size);
    if (!n)
        n = send_now(socket, buffer.data, buffer.size, message, envelope);
    buffer_done(&buffer);
    return n;
}

long inet_send(struct socket *base, struct message *message)
{
    struct inet_socket *socket = inet_of(base);
    struct envelope envelope;
    long n;

    envelope.to = (struct host_address){ 0 };
    int err = message->name.size ? inet_address(socket, &message->name, &envelope.to) : 0;
    if (!err)
        err = inet_control_to_send(socket, message, &envelope.control);
    if (err)
        return err;
    if (inet_is_inside(socket)) {
        message->name.size = 0; // of no meaning to a stream that is connected
        message->control_size = 0;
        socket->inner->socket.send_timeout = READ_ONCE(base->send_timeout);
        return unix_send(&socket->inner->socket, message);
    }
    if (base->type == SOCK_STREAM)
        return send_stream(socket, message, &envelope);
    if (!envelope.control.size && inet_datagram_send(socket, message, &envelope.to, &n))
        return n;
    return send_datagram(socket, message, &envelope);
}

// --- receiving

// Where a stream's peer has ended, what is read already is not all that makes it readable.
static bool may_clear(struct inet_socket *socket)
{
    return !(READ_ONCE(socket->poll.state) & (POLLRDHUP | POLLHUP | POLLERR));
}

// control: where ancillary data go; NULL: it is not asked for.
static long receive_from_socket(struct inet_socket *socket, struct buffer *buffer, u32 flags,
                                struct host_received *received, struct inet_control *control,
                                const struct host_ahead *ask)
{
    bool stream = socket->socket.type == SOCK_STREAM;
    u32 begun = hostpoll_begin(&socket->poll);
    long n =
        control ? hostsock_receive_with(socket->fd, socket->socket.family, buffer->data, buffer->size, flags, received,
                                        control->bytes, sizeof(control->bytes))
                : hostsock_receive(socket->fd, socket->socket.family, buffer->data, buffer->size, flags, received, ask);

    if (n == -EAGAIN)
        hostpoll_clear(&socket->poll, begun, POLLIN | POLLPRI);
    else if (n < 0 && n != -EALREADY)
        hostpoll_clear(&socket->poll, begun, POLLERR);
    else if (stream && n > 0 && (size_t)n < buffer->size && !(flags & MSG_PEEK) && may_clear(socket))
        hostpoll_clear(&socket->poll, begun, POLLIN); // that was all
    return n;
}

static long receive_datagram_now(struct inet_socket *socket, struct buffer *buffer, struct message *message,
                                 struct host_received *received, struct inet_control *control)
{
    u32 flags = (message->flags & RECEIVE_FLAGS) | MSG_TRUNC;
    return receive_from_socket(socket, buffer, flags, received, control, NULL);
}

// A socket may be ready (POLLHUP) and have nothing all the same. Who asks again does not spin meanwhile: it sleeps, can
// be ended, and lets its memory go to a relative that waits for it.
static int pause_between(s64 deadline)
{
    enum { PAUSE_NS = 2000000 };
    struct waiter waiter;

    waiter_init(&waiter);
    int err = waiter_sleep(&waiter, MIN(deadline, time_monotonic_ns() + PAUSE_NS));
    return err == -ETIMEDOUT && time_monotonic_ns() < deadline ? 0 : err;
}

// *tries: how often it was waited for already, for nothing.
static int wait_readable(struct inet_socket *socket, struct message *message, s64 deadline, u32 *tries)
{
    if (message->flags & MSG_DONTWAIT)
        return -EAGAIN;
    int err = (*tries)++ ? pause_between(deadline) : 0;
    if (!err)
        err = inet_wait(socket, POLLIN | (message->flags & MSG_OOB ? POLLPRI : 0), deadline);
    return err ? socket_wait_error(err, READ_ONCE(socket->socket.receive_timeout)) : 0;
}

// Bytes that come first are on their way in another thread, which does not sleep before it has put them down:
// -EALREADY, they are there now. -EAGAIN: not waited for, a signal came.
static long await_ahead(struct inet_socket *socket, const struct host_ahead *refused)
{
    while (ahead_is_under_way(&socket->ahead, refused)) {
        if (thread_interrupted(current))
            return -EAGAIN;
        thread_yield();
    }
    return -EALREADY;
}

// From the host, which is told of grants; -EALREADY: what was read ahead comes first, and is there now.
static long receive_asking(struct inet_socket *socket, struct buffer *buffer, u32 flags, struct host_received *received)
{
    struct host_ahead ask = ahead_ask(&socket->ahead, hostpoll_cookie(&socket->poll), true);

    if (flags & (MSG_PEEK | MSG_OOB)) { // leaves something, or says nothing of the rest
        const struct host_ahead unused = { .grant = ask.grant };
        ahead_answered(&socket->ahead, &unused, false, false);
        ask.grant = 0;
    }
    long n = receive_from_socket(socket, buffer, flags, received, NULL, &ask);
    bool drained = n == -EAGAIN || (n > 0 && (size_t)n < buffer->size);
    ahead_answered(&socket->ahead, &ask, n == -EALREADY, drained);
    return n == -EALREADY ? await_ahead(socket, &ask) : n;
}

// Who looks at more than what was read ahead: the rest is fetched to it.
static void fetch_to_peek(struct inet_socket *socket, size_t size)
{
    struct host_received received = { 0 };
    struct buffer rest;
    u32 there = ahead_size(&socket->ahead);

    if (!there || there >= size || !ahead_grow_begin(&socket->ahead))
        return;
    long n = buffer_init(&rest, size - there);
    if (!n) {
        n = receive_asking(socket, &rest, 0, &received);
        ahead_grow_end(&socket->ahead, rest.data, n > 0 ? (u32)n : 0);
        buffer_done(&rest);
    } else {
        ahead_grow_end(&socket->ahead, NULL, 0);
    }
}

// What came after the piece that was read ahead is part of the answer too: who gets less than he asked for may conclude
// that there is no more (epoll(7), EPOLLET).
static long receive_rest(struct inet_socket *socket, struct buffer *buffer, size_t done)
{
    struct buffer rest = { .data = buffer->data + done, .size = buffer->size - done };
    struct host_received received = { 0 };

    long n = receive_asking(socket, &rest, 0, &received);
    if (n < 0 && n != -EAGAIN && n != -EALREADY && n != -EINTR)
        ahead_put_error(&socket->ahead, (int)n);
    return (long)done + MAX(n, 0L);
}

// What the host read ahead, and what came since. 0: nothing.
static long receive_ahead(struct inet_socket *socket, struct buffer *buffer, bool peek)
{
    struct ahead_taken taken = ahead_take(&socket->ahead, buffer->data, (u32)buffer->size, peek);

    if (!taken.size)
        return ahead_take_error(&socket->ahead);
    bool complete = !taken.more && hostpoll_begin(&socket->poll) == taken.changes;
    if (taken.last && !complete && taken.size < buffer->size)
        return receive_rest(socket, buffer, taken.size);
    if (taken.last && complete && may_clear(socket))
        hostpoll_clear(&socket->poll, taken.changes, POLLIN);
    return taken.size;
}

static long receive_now(struct inet_socket *socket, struct buffer *buffer, struct message *message,
                        struct host_received *received)
{
    bool peek = message->flags & MSG_PEEK;
    long n;

    do {
        if (peek)
            fetch_to_peek(socket, buffer->size);
        n = message->flags & MSG_OOB ? 0 : receive_ahead(socket, buffer, peek);
        if (!n && ahead_is_growing(&socket->ahead))
            n = await_ahead(socket, &(struct host_ahead){ .seen = UINT32_MAX });
        if (!n)
            n = receive_asking(socket, buffer, message->flags & RECEIVE_FLAGS, received);
    } while (n == -EALREADY);
    return n;
}

// The host may read ahead, and told of nothing: who can wait need not ask.
static bool knows_of_nothing(struct inet_socket *socket, const struct message *message)
{
    return !(message->flags & (MSG_DONTWAIT | MSG_OOB)) && ahead_is_granted(&socket->ahead) &&
           !(hostpoll_events(&socket->poll, NULL) & (POLLIN | POLLERR | POLLHUP | POLLRDHUP));
}

// Receives once, waiting if need be.
static long receive_waiting(struct inet_socket *socket, struct buffer *buffer, struct message *message,
                            struct host_received *received, s64 deadline)
{
    bool waits = knows_of_nothing(socket, message);
    u32 tries = 0;

    for (;;) {
        if (!buffer->size && ahead_size(&socket->ahead)) // the host, which has nothing any more, would say -EAGAIN
            return 0;
        long n = waits ? -EAGAIN : receive_now(socket, buffer, message, received);
        if (n == -EINTR)
            continue;
        if (n != -EAGAIN)
            return n;
        int err = wait_readable(socket, message, deadline, &tries);
        if (err)
            return err;
        waits = false;
    }
}

static long receive_stream(struct inet_socket *socket, struct message *message)
{
    s64 deadline = socket_deadline(READ_ONCE(socket->socket.receive_timeout));
    bool all = (message->flags & MSG_WAITALL) && !(message->flags & (MSG_PEEK | MSG_DONTWAIT));
    size_t most = MIN(message->uio->left, (size_t)HOSTSOCK_CHUNK);
    struct host_received received = { 0 };
    struct buffer buffer;
    long done = 0, n = buffer_init(&buffer, most);

    if (n)
        return n;
    do {
        buffer.size = MIN(message->uio->left, most);
        n = receive_waiting(socket, &buffer, message, &received, deadline);
        if (n > 0 && uio_put(message->uio, buffer.data, (size_t)n))
            n = -EFAULT;
        if (n > 0)
            done += n;
    } while (all && n > 0 && message->uio->left);
    message->came_flags |= received.flags & MSG_OOB;
    buffer_done(&buffer);
    return done ? done : n;
}

// The next datagram of the host, or -EAGAIN.
static long receive_from_host(struct inet_socket *socket, struct message *message)
{
    bool with_control = (message->flags & MSG_ERRQUEUE) || READ_ONCE(socket->wants_control);
    struct host_received received = { 0 };
    struct inet_control control;
    struct buffer buffer;

    long n = buffer_init(&buffer, MIN(message->uio->left, (size_t)DATAGRAM_MAX));
    if (n)
        return n;
    while ((n = receive_datagram_now(socket, &buffer, message, &received, with_control ? &control : NULL)) == -EINTR)
        ;
    control.size = n < 0 || !with_control ? 0 : received.control_size;
    if (n > 0 && uio_put(message->uio, buffer.data, (size_t)n))
        n = -EFAULT;
    buffer_done(&buffer);
    if (n < 0)
        return n;
    inet_name(&received.from, &message->name);
    inet_control_came(&control, message);
    message->came_flags |= received.flags & MSG_ERRQUEUE;
    if (received.size > (u64)n) {
        message->came_flags |= MSG_TRUNC;
        if (message->flags & MSG_TRUNC)
            n = received.size;
    }
    return n;
}

// Of a socket that may hear from inside, who waits does not ask the host before that says that there is something.
static bool host_is_to_be_asked(struct inet_socket *socket, const struct message *message)
{
    if ((message->flags & MSG_DONTWAIT) || !inet_datagram_known(socket))
        return true;
    return hostpoll_events(&socket->poll, NULL) & (POLLIN | POLLERR | POLLHUP | POLLRDHUP);
}

static long receive_datagram(struct inet_socket *socket, struct message *message)
{
    s64 deadline = socket_deadline(READ_ONCE(socket->socket.receive_timeout));
    u32 tries = 0;

    for (;;) {
        long n = inet_datagram_receive(socket, message);
        if (n == -EAGAIN && host_is_to_be_asked(socket, message))
            n = receive_from_host(socket, message);
        if (n != -EAGAIN)
            return n;
        // The host's socket says EAGAIN to who does not wait, also when it is shut.
        if (READ_ONCE(socket->read_shut) && !(message->flags & MSG_DONTWAIT))
            return 0;
        int err = wait_readable(socket, message, deadline, &tries);
        if (err)
            return err;
    }
}

long inet_receive(struct socket *base, struct message *message)
{
    struct inet_socket *socket = inet_of(base);
    if (message->flags & MSG_ERRQUEUE) // nothing of a stream is ever put there; nobody waits for it
        return base->type == SOCK_STREAM ? -EAGAIN : receive_from_host(socket, message);
    if (inet_is_inside(socket)) {
        socket->inner->socket.receive_timeout = READ_ONCE(base->receive_timeout);
        return unix_receive(&socket->inner->socket, message);
    }
    return base->type == SOCK_STREAM ? receive_stream(inet_of(base), message)
                                     : receive_datagram(inet_of(base), message);
}
