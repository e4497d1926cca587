// SPDX-License-Identifier: BSD-3-Clause
// Urgent data of TCP inside, tcp(7) and RFC 6093 as Linux has it: the urgent byte lies in the stream at its mark.
// Reading stops before the mark once; what reads on passes over the byte, unless SO_OOBINLINE makes it an ordinary one.
#include "libos/net/unix.h"

// Where the next byte to be read stands in the stream. socket->lock held, here and below.
static u64 position(const struct unix_socket *socket) { return socket->in_total - socket->in.used; }

static bool at_mark(const struct unix_socket *socket)
{
    return socket->urgent != URGENT_NONE && socket->urgent_at == position(socket);
}

// Drops the byte at the front.
static void skip_byte(struct unix_socket *socket)
{
    struct span span;
    if (byteq_take(&socket->in, 1, &span))
        span_done(&span);
}

void unix_urgent_sent(struct unix_socket *receiver, u8 byte)
{
    // An older urgent byte that is next is given up for the new one.
    if (at_mark(receiver) && !receiver->urgent_inline && receiver->in.used > 1)
        skip_byte(receiver);
    receiver->urgent = URGENT_UNREAD;
    receiver->urgent_at = receiver->in_total - 1;
    receiver->urgent_byte = byte;
}

size_t unix_urgent_limit(struct unix_socket *socket, bool first, u64 *offset, size_t max)
{
    u64 at = position(socket) + *offset;

    if (socket->urgent == URGENT_NONE || socket->urgent_at < at)
        return max;
    if (socket->urgent_at > at)
        return MIN(max, socket->urgent_at - at);
    if (!first)
        return 0;
    if (!socket->urgent_inline)
        (*offset)++;
    return max;
}

void unix_urgent_pass(struct unix_socket *socket)
{
    if (at_mark(socket) && !socket->urgent_inline)
        skip_byte(socket);
}

void unix_urgent_passed(struct unix_socket *socket)
{
    if (socket->urgent != URGENT_NONE && socket->urgent_at < position(socket))
        socket->urgent = URGENT_NONE;
}

u64 unix_urgent_readable(const struct unix_socket *socket)
{
    bool lone = at_mark(socket) && !socket->urgent_inline;
    return socket->in.used - (lone && socket->in.used ? 1 : 0);
}

u64 unix_urgent_pending(const struct unix_socket *socket)
{
    u64 at = position(socket);
    bool before = socket->urgent != URGENT_NONE && !socket->urgent_inline && socket->urgent_at >= at;
    return before ? socket->urgent_at - at : socket->in.used;
}

bool unix_urgent_at_mark(struct unix_socket *socket)
{
    mutex_lock(&socket->lock);
    bool at = at_mark(socket);
    mutex_unlock(&socket->lock);
    return at;
}

void unix_urgent_set_inline(struct unix_socket *socket, bool on)
{
    mutex_lock(&socket->lock);
    socket->urgent_inline = on;
    mutex_unlock(&socket->lock);
}

long unix_urgent_receive(struct unix_socket *socket, struct message *message)
{
    mutex_lock(&socket->lock);
    bool there = socket->urgent == URGENT_UNREAD && !socket->urgent_inline;
    u8 byte = socket->urgent_byte;
    if (there && !(message->flags & MSG_PEEK))
        socket->urgent = URGENT_READ;
    mutex_unlock(&socket->lock);
    if (!there)
        return -EINVAL;
    message->came_flags |= MSG_OOB;
    if (!message->uio->left) {
        message->came_flags |= MSG_TRUNC;
        return 0;
    }
    return uio_put(message->uio, &byte, 1) ? -EFAULT : 1;
}
