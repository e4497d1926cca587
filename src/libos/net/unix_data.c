// SPDX-License-Identifier: BSD-3-Clause
// Sending and receiving. A message goes straight into the queue of the receiver.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/net/unix.h"

enum { SMALL = 512 };

// --- room

// receiver->lock held.
static bool has_room(const struct unix_socket *receiver, u64 limit, size_t size)
{
    mutex_assert_held(&receiver->lock);
    switch (receiver->socket.type) {
    case SOCK_DGRAM:
        return receiver->in.packets <= DATAGRAMS_MAX && receiver->in.used < limit;
    case SOCK_SEQPACKET:
        return !receiver->in.packets || receiver->in.used + size <= limit;
    default:
        return receiver->in.used < limit;
    }
}

// Senders in poll wait until a quarter is used only, so that they can send more than a little.
static bool nearly_empty(const struct unix_socket *receiver, u64 limit)
{
    if (receiver->socket.type == SOCK_DGRAM)
        return has_room(receiver, limit, 0);
    return receiver->in.used * 4 <= limit;
}

bool unix_writable(struct unix_socket *receiver, u64 limit)
{
    mutex_lock(&receiver->lock);
    bool writable = receiver->closed || nearly_empty(receiver, limit);
    mutex_unlock(&receiver->lock);
    return writable;
}

struct room_wait {
    struct unix_socket *sender, *receiver;
    size_t size;
};

static bool can_send(struct room_wait *wait)
{
    mutex_lock(&wait->sender->lock);
    u64 limit = wait->sender->send_size;
    bool shut = wait->sender->write_shut;
    mutex_unlock(&wait->sender->lock);
    mutex_lock(&wait->receiver->lock);
    bool can =
        shut || wait->receiver->closed || wait->receiver->read_shut || has_room(wait->receiver, limit, wait->size);
    mutex_unlock(&wait->receiver->lock);
    return can;
}

static int wait_for_room(struct unix_socket *sender, struct unix_socket *receiver, size_t size, u32 flags)
{
    struct room_wait wait = { sender, receiver, size };
    s64 timeout = READ_ONCE(sender->socket.send_timeout);
    struct wait_queue *queue = sender->socket.type == SOCK_DGRAM ? &unix_datagram_room : &sender->writable;

    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    int err = wait_event(queue, can_send(&wait), socket_deadline(timeout));
    return err ? socket_wait_error(err, timeout) : 0;
}

// --- sending

static bool wants_credentials(struct unix_socket *sender, struct unix_socket *receiver)
{
    return READ_ONCE(sender->pass_credentials) || READ_ONCE(receiver->pass_credentials);
}

// One step of a send: bytes on the stack, or a piece that the receiver's queue takes over.
struct parcel {
    u8 small[SMALL];
    struct piece *piece; // NULL: small
    size_t size;
    bool urgent; // its last byte is
};

static int parcel_fill(struct parcel *parcel, struct uio *uio, size_t size, bool packet, struct unix_extra *extra)
{
    parcel->size = size;
    parcel->piece = NULL;
    parcel->urgent = false;
    if (size <= SMALL && !packet && !extra)
        return uio_take(uio, parcel->small, size);
    struct piece *piece = piece_new(size);
    if (!piece)
        return -ENOMEM;
    int err = size ? uio_take(uio, piece->data, size) : 0;
    if (err) {
        piece_put(piece);
        return err;
    }
    piece->end = (u32)size;
    piece->packet = packet;
    piece->extra = extra;
    parcel->piece = piece;
    return 0;
}

// What keeps a message from going in now: 0, -EAGAIN (no room), or an error. receiver->lock held.
static int refuses(const struct unix_socket *receiver, u64 limit, size_t size)
{
    mutex_assert_held(&receiver->lock);
    bool datagram = receiver->socket.type == SOCK_DGRAM;
    int gone = receiver->tcp ? -ECONNRESET : -EPIPE;

    if (receiver->closed)
        return datagram ? -ECONNREFUSED : gone;
    if (receiver->read_shut)
        return -EPIPE;
    return has_room(receiver, limit, size) ? 0 : -EAGAIN;
}

static u8 last_byte(const struct parcel *parcel)
{
    const u8 *data = parcel->piece ? parcel->piece->data : parcel->small;
    return parcel->size ? data[parcel->size - 1] : 0;
}

// TCP learns from the answer to what it sent that the peer is gone: the next send fails.
static long sent_in_vain(struct unix_socket *sender, long size)
{
    mutex_lock(&sender->lock);
    sender->write_shut = true;
    mutex_unlock(&sender->lock);
    wake_up_all(&sender->readable);
    wake_up_all(&sender->writable);
    return size;
}

// Bytes that went in, or -errno; packets go whole.
static long parcel_post(struct unix_socket *sender, struct unix_socket *receiver, struct parcel *parcel)
{
    mutex_lock(&sender->lock);
    u64 limit = sender->send_size;
    long err = sender->write_shut ? -EPIPE : 0;
    mutex_unlock(&sender->lock);
    if (err)
        return err;
    long n = (long)parcel->size;
    mutex_lock(&receiver->lock);
    err = refuses(receiver, limit, parcel->size);
    if (!err) {
        u8 last = last_byte(parcel);
        receiver->in_limit = limit;
        if (parcel->piece) {
            byteq_push(&receiver->in, parcel->piece);
            parcel->piece = NULL;
        } else if (!(n = (long)byteq_append(&receiver->in, parcel->small, parcel->size)))
            err = -ENOMEM;
        receiver->in_total += err ? 0 : (u64)n;
        if (parcel->urgent && n == (long)parcel->size)
            unix_urgent_sent(receiver, last);
    }
    mutex_unlock(&receiver->lock);
    if (err == -ECONNRESET)
        return sent_in_vain(sender, n);
    if (!err)
        wake_up_all(&receiver->readable);
    return err ? err : n;
}

static long post(struct unix_socket *sender, struct unix_socket *receiver, struct parcel *parcel)
{
    struct unix_extra *extra = parcel->piece ? parcel->piece->extra : NULL;

    if (!unix_has_rights(extra))
        return parcel_post(sender, receiver, parcel);
    mutex_lock(&unix_rights_lock);
    unix_rights_sent(extra);
    long n = parcel_post(sender, receiver, parcel);
    if (n < 0)
        unix_rights_taken(extra);
    mutex_unlock(&unix_rights_lock);
    return n;
}

static long post_waiting(struct unix_socket *sender, struct unix_socket *receiver, struct parcel *parcel, u32 flags)
{
    long n;
    while ((n = post(sender, receiver, parcel)) == -EAGAIN) {
        int err = wait_for_room(sender, receiver, parcel->size, flags);
        if (err)
            return err;
    }
    return n;
}

// extra is used up.
static long send_parcel(struct unix_socket *sender, struct unix_socket *receiver, struct message *message, size_t size,
                        struct unix_extra *extra)
{
    bool packet = sender->socket.type != SOCK_STREAM;
    struct parcel parcel;

    long n = parcel_fill(&parcel, message->uio, size, packet, extra);
    if (n) {
        unix_extra_free(extra);
        return n;
    }
    parcel.urgent = (message->flags & MSG_OOB) && !message->uio->left;
    n = post_waiting(sender, receiver, &parcel, message->flags);
    if (n < 0)
        unix_extra_free(extra);
    piece_put(parcel.piece);
    return n;
}

static long send_stream(struct unix_socket *sender, struct unix_socket *receiver, struct message *message,
                        struct unix_extra *extra)
{
    long done = 0, n = 0;

    while (message->uio->left && n >= 0) {
        size_t size = MIN(message->uio->left, (size_t)PIECE_MAX);
        n = send_parcel(sender, receiver, message, size, extra);
        extra = NULL;
        if (n > 0)
            done += n;
    }
    unix_extra_free(extra); // nothing was to be sent
    return done ? done : n;
}

static long send_packet(struct unix_socket *sender, struct unix_socket *receiver, struct message *message,
                        struct unix_extra *extra)
{
    size_t size = message->uio->left;
    if (size > sender->send_size) {
        unix_extra_free(extra);
        return -EMSGSIZE;
    }
    return send_parcel(sender, receiver, message, size, extra);
}

// Who gets the message, referenced.
static int receiver_of(struct unix_socket *sender, const struct message *message, struct unix_socket **ret_receiver)
{
    int type = sender->socket.type;

    if (message->name.size && type == SOCK_DGRAM) {
        int err = unix_find(&message->name, ret_receiver);
        if (err)
            return err;
        if ((*ret_receiver)->socket.type == type)
            return 0;
        unix_put(*ret_receiver);
        return -EPROTOTYPE;
    }
    *ret_receiver = unix_peer(sender);
    if (message->name.size && type == SOCK_STREAM) {
        unix_put(*ret_receiver);
        return *ret_receiver ? -EISCONN : -EOPNOTSUPP;
    }
    return *ret_receiver ? 0 : -ENOTCONN;
}

// An error that a stream has is for who reads: who writes gets EPIPE.
static int pending_error(struct unix_socket *sender)
{
    mutex_lock(&sender->lock);
    int err = sender->socket.type == SOCK_STREAM ? 0 : -sender->error;
    if (err)
        sender->error = 0;
    if (sender->write_shut && !err)
        err = -EPIPE;
    mutex_unlock(&sender->lock);
    return err;
}

// A datagram socket forgets a peer that is closed.
static void disconnect(struct unix_socket *sender, struct unix_socket *receiver)
{
    mutex_lock(&sender->lock);
    bool connected = sender->peer == receiver;
    if (connected) {
        sender->peer = NULL;
        sender->state = UNIX_NEW;
    }
    mutex_unlock(&sender->lock);
    if (connected)
        unix_put(receiver);
}

long unix_send(struct socket *base, struct message *message)
{
    struct unix_socket *sender = unix_of(base), *receiver;
    struct unix_extra *extra;

    if ((message->flags & MSG_OOB) && !sender->tcp)
        return -EOPNOTSUPP;
    int err = pending_error(sender);
    if (!err)
        err = receiver_of(sender, message, &receiver);
    if (err)
        return err;
    long n = unix_extra_new(sender, message, wants_credentials(sender, receiver), &extra);
    if (!n)
        n = base->type == SOCK_STREAM ? send_stream(sender, receiver, message, extra)
                                      : send_packet(sender, receiver, message, extra);
    if (n == -ECONNREFUSED)
        disconnect(sender, receiver);
    unix_put(receiver);
    return n;
}

// --- receiving

void unix_drop_queue(struct unix_socket *socket)
{
    struct span span;
    bool some;

    do {
        mutex_lock(&unix_rights_lock);
        mutex_lock(&socket->lock);
        some = byteq_take(&socket->in, SIZE_MAX, &span);
        struct unix_extra *extra = some ? span.piece->extra : NULL;
        if (some)
            span.piece->extra = NULL;
        else
            byteq_clear(&socket->in);
        mutex_unlock(&socket->lock);
        unix_rights_taken(extra);
        mutex_unlock(&unix_rights_lock);
        unix_extra_free(extra);
        if (some)
            span_done(&span);
    } while (some);
}

// Wakes senders when there is as much room as they wait for.
static void tell_senders(struct unix_socket *socket, bool was_full)
{
    if (!was_full)
        return;
    if (socket->socket.type == SOCK_DGRAM) {
        wake_up_all(&unix_datagram_room);
        return;
    }
    struct unix_socket *peer = unix_peer(socket);
    if (peer)
        wake_up_all(&peer->writable);
    unix_put(peer);
}

struct taken {
    struct span span;
    struct unix_extra *extra; // the receiver's now; with MSG_PEEK a copy
    bool packet;
};

enum { NEEDS_RIGHTS = 2 };

// Why there is nothing to take: 0 an end, -EAGAIN, or an error. socket->lock held.
static int nothing(struct unix_socket *socket, bool first, bool peeked_all)
{
    mutex_assert_held(&socket->lock);
    bool datagram = socket->socket.type == SOCK_DGRAM;

    if (socket->error && first && !peeked_all) {
        int err = -socket->error;
        socket->error = 0;
        return err;
    }
    if (!datagram && socket->state != UNIX_CONNECTED)
        return socket->socket.type == SOCK_SEQPACKET ? -ENOTCONN : -EINVAL;
    return socket->read_shut ? 0 : -EAGAIN;
}

struct take {
    u32 flags;
    u64 offset; // MSG_PEEK: what was looked at already
    size_t max;
    bool first;  // nothing was delivered before in this call
    bool rights; // unix_rights_lock is held
};

// The next bytes or packet: 1; 0: an end, or what is next is for a call of its own; NEEDS_RIGHTS: to be called with
// unix_rights_lock. socket->lock held.
static int take_locked(struct unix_socket *socket, const struct take *take, struct taken *ret_taken)
{
    mutex_assert_held(&socket->lock);
    bool peek = take->flags & MSG_PEEK;
    u64 offset = take->offset;
    size_t max = socket->tcp ? unix_urgent_limit(socket, take->first, &offset, take->max) : take->max;

    if (take->max && !max)
        return 0;
    if (socket->tcp && !peek)
        unix_urgent_pass(socket);
    struct piece *piece = byteq_first(&socket->in);
    if (!piece)
        return nothing(socket, take->first, false);
    if (peek) {
        if (!byteq_peek(&socket->in, offset, max, &ret_taken->span))
            return nothing(socket, take->first, true);
        ret_taken->extra = unix_extra_copy(ret_taken->span.piece->extra);
    } else {
        const struct unix_extra *extra = piece->extra;
        if (extra && extra->has_credentials && !take->first) // of another sender perhaps: not in one call
            return 0;
        if (unix_has_rights(piece->extra) && !take->rights)
            return NEEDS_RIGHTS;
        if (!byteq_take(&socket->in, max, &ret_taken->span))
            return -EAGAIN;
        ret_taken->extra = piece->extra;
        piece->extra = NULL;
    }
    ret_taken->packet = ret_taken->span.piece->packet;
    return 1;
}

static int take(struct unix_socket *socket, const struct take *take, struct taken *ret_taken)
{
    *ret_taken = (struct taken){ 0 };
    mutex_lock(&socket->lock);
    u64 limit = socket->in_limit;
    bool full = !nearly_empty(socket, limit);
    int result = take_locked(socket, take, ret_taken);
    unix_urgent_passed(socket);
    bool freed = full && nearly_empty(socket, limit);
    mutex_unlock(&socket->lock);
    tell_senders(socket, freed);
    return result;
}

static int take_any(struct unix_socket *socket, struct take *how, struct taken *ret_taken)
{
    int result = take(socket, how, ret_taken);
    if (result != NEEDS_RIGHTS)
        return result;
    how->rights = true;
    mutex_lock(&unix_rights_lock);
    result = take(socket, how, ret_taken);
    unix_rights_taken(ret_taken->extra);
    mutex_unlock(&unix_rights_lock);
    return result;
}

static long deliver(struct unix_socket *socket, struct message *message, struct taken *taken)
{
    struct span *span = &taken->span;
    size_t before = message->uio->left;
    int err = span->size ? uio_put(message->uio, span->data, span->size) : 0;
    size_t done = before - message->uio->left;

    if (err && !(message->flags & MSG_PEEK)) {
        mutex_lock(&socket->lock);
        byteq_restore(&socket->in, span, span->size - done);
        mutex_unlock(&socket->lock);
    }
    if (!err && taken->extra)
        unix_extra_deliver(socket, taken->extra, message);
    else if (!err && READ_ONCE(socket->pass_credentials))
        unix_extra_deliver(socket, NULL, message);
    unix_extra_free(taken->extra);
    if (span->cut)
        message->came_flags |= MSG_TRUNC;
    long n = (long)(done + (message->flags & MSG_TRUNC && taken->packet ? span->cut : 0));
    span_done(span);
    return err && !done ? err : n;
}

static bool can_receive(struct unix_socket *socket, u64 more_than)
{
    mutex_lock(&socket->lock);
    bool can = socket->in.used > more_than || socket->in.packets || socket->read_shut || socket->error;
    mutex_unlock(&socket->lock);
    return can;
}

static int wait_for_data(struct unix_socket *socket, u32 flags, u64 more_than, s64 deadline)
{
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    int err = wait_event(&socket->readable, can_receive(socket, more_than), deadline);
    return err ? socket_wait_error(err, READ_ONCE(socket->socket.receive_timeout)) : 0;
}

long unix_receive(struct socket *base, struct message *message)
{
    struct unix_socket *socket = unix_of(base);
    s64 deadline = socket_deadline(READ_ONCE(base->receive_timeout));
    bool stream = base->type == SOCK_STREAM, all = stream && (message->flags & MSG_WAITALL);
    struct taken taken;
    long done = 0, n = 0;

    if (message->flags & MSG_OOB)
        return socket->tcp ? unix_urgent_receive(socket, message) : -EINVAL;
    if (message->flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (stream && !message->uio->left) // waits for something, and leaves it there
        message->flags |= MSG_PEEK;
    for (;;) {
        u64 offset = message->flags & MSG_PEEK ? (u64)done : 0;
        struct take how = { message->flags, offset, message->uio->left, .first = !done };
        n = take_any(socket, &how, &taken);
        if (n == -EAGAIN && (!done || all)) {
            n = wait_for_data(socket, message->flags, offset, deadline);
            if (!n)
                continue;
        }
        if (n <= 0)
            break;
        bool ends = taken.packet || (taken.extra && taken.extra->file_count);
        n = deliver(socket, message, &taken);
        if (n > 0)
            done += n;
        if (n < 0 || ends || !message->uio->left)
            break;
    }
    return done ? done : n;
}
