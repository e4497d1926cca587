// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/byteq.h"
#include "base/string.h"
#include "libos/mem/heap.h"

// Rooms that make a block of the heap without a rest. A queue that carries small messages stays small.
enum { ROOM_SMALL = 512 - sizeof(struct piece), ROOM_PAGE = 4096 - sizeof(struct piece) };

void byteq_init(struct byteq *queue)
{
    list_init(&queue->pieces);
    queue->used = 0;
    queue->packets = 0;
}

void byteq_clear(struct byteq *queue)
{
    while (!list_empty(&queue->pieces)) {
        struct piece *piece = list_first(&queue->pieces, struct piece, link);
        list_del(&piece->link);
        piece_put(piece);
    }
    byteq_init(queue);
}

struct piece *piece_new(size_t room)
{
    struct piece *piece = kmalloc(sizeof(*piece) + room);
    if (!piece)
        return NULL;
    *piece = (struct piece){ .refs = 1, .room = (u32)room };
    list_init(&piece->link);
    return piece;
}

void piece_put(struct piece *piece)
{
    if (piece && __atomic_fetch_sub(&piece->refs, 1, __ATOMIC_ACQ_REL) == 1)
        kfree(piece);
}

static struct piece *last(struct byteq *queue)
{
    return list_empty(&queue->pieces) ? NULL : list_entry(queue->pieces.prev, struct piece, link);
}

// The empty piece at the end that was kept.
static void drop_spare(struct byteq *queue)
{
    struct piece *piece = last(queue);
    if (piece && !piece->packet && piece->start == piece->end) {
        list_del(&piece->link);
        piece_put(piece);
    }
}

// A piece that bytes can be added to.
static struct piece *tail(struct byteq *queue, size_t size)
{
    struct piece *piece = last(queue);

    if (piece && !piece->packet) {
        // Nobody reads it any more: it can be filled from its start.
        if (piece->start == piece->end && __atomic_load_n(&piece->refs, __ATOMIC_ACQUIRE) == 1)
            piece->start = piece->end = 0;
        if (piece->end < piece->room)
            return piece;
    }
    drop_spare(queue);
    piece = piece_new(size <= ROOM_SMALL ? ROOM_SMALL : ROOM_PAGE);
    if (piece)
        list_add_tail(&piece->link, &queue->pieces);
    return piece;
}

size_t byteq_append(struct byteq *queue, const void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        struct piece *piece = tail(queue, size - done);
        if (!piece)
            break;
        size_t n = MIN(size - done, (size_t)(piece->room - piece->end));
        memcpy(piece->data + piece->end, (const u8 *)data + done, n);
        piece->end += (u32)n;
        done += n;
    }
    queue->used += done;
    return done;
}

void byteq_push(struct byteq *queue, struct piece *piece)
{
    drop_spare(queue);
    list_add_tail(&piece->link, &queue->pieces);
    queue->used += piece->end - piece->start;
    WRITE_ONCE(queue->packets, queue->packets + piece->packet);
}

struct piece *byteq_first(struct byteq *queue)
{
    if (!queue->used && !queue->packets)
        return NULL;
    return list_first(&queue->pieces, struct piece, link);
}

static struct span pin(struct piece *piece, size_t at, size_t size)
{
    __atomic_fetch_add(&piece->refs, 1, __ATOMIC_RELAXED);
    return (struct span){ piece, piece->data + at, size, 0 };
}

bool byteq_take(struct byteq *queue, size_t max, struct span *ret_span)
{
    struct piece *piece = byteq_first(queue);
    if (!piece)
        return false;
    size_t there = piece->end - piece->start, n = MIN(max, there);
    *ret_span = pin(piece, piece->start, n);
    if (piece->packet) {
        ret_span->cut = there - n;
        n = there;
        WRITE_ONCE(queue->packets, queue->packets - 1);
    }
    piece->start += (u32)n;
    queue->used -= n;
    bool spare = !piece->packet && piece == last(queue) && piece->room <= ROOM_PAGE;
    if (piece->start == piece->end && !spare) {
        list_del(&piece->link);
        piece_put(piece);
    }
    return true;
}

bool byteq_peek(struct byteq *queue, u64 offset, size_t max, struct span *ret_span)
{
    struct piece *piece;

    if (!byteq_first(queue))
        return false;
    list_for_each (piece, &queue->pieces, link) {
        u64 there = piece->end - piece->start;
        if (piece->packet || offset < there) {
            size_t n = MIN(max, (size_t)(there - MIN(offset, there)));
            *ret_span = pin(piece, piece->start + (size_t)MIN(offset, there), n);
            ret_span->cut = piece->packet ? there - n : 0;
            return true;
        }
        offset -= there;
    }
    return false;
}

void byteq_restore(struct byteq *queue, const struct span *span, size_t size)
{
    struct piece *piece = span->piece;
    size_t end = (size_t)(span->data - piece->data) + span->size;

    if (piece->packet || !size || piece->start != end)
        return;
    bool queued = !list_empty(&piece->link);
    if (!queued && queue->used && byteq_first(queue)->start) // the next piece has been read from already
        return;
    piece->start -= (u32)size;
    queue->used += size;
    if (queued)
        return;
    __atomic_fetch_add(&piece->refs, 1, __ATOMIC_RELAXED);
    list_add(&piece->link, &queue->pieces);
}

void byteq_return(struct byteq *queue, const struct span *span, size_t size)
{
    u64 before = queue->used;
    struct piece *copy;

    byteq_restore(queue, span, size);
    if (!size || queue->used != before || !(copy = piece_new(size)))
        return;
    memcpy(copy->data, span->data + (span->size - size), size);
    copy->end = (u32)size;
    list_add(&copy->link, &queue->pieces);
    queue->used += size;
}

void span_done(struct span *span)
{
    piece_put(span->piece);
    span->piece = NULL;
}
