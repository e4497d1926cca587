// SPDX-License-Identifier: BSD-3-Clause
// A queue of bytes or packets that takes memory as it is filled: what pipes and sockets inside the enclave hold.
//
// It consists of pieces. Bytes in a piece do not change once they are there, and a reader pins the piece before it
// drops the owner's lock: so bytes are copied between a queue and a program's memory once, with no lock held.
#pragma once

#include "base/list.h"

enum { PIECE_MAX = 32 << 10 }; // bytes of one piece that a writer makes for itself

struct piece {
    struct list_head link;
    u32 refs;             // atomic: the queue, and each span
    u32 start, end, room; // data[start, end) is there to be read
    bool packet;          // read as one; what of it the reader has no room for is lost
    void *extra;          // the owner's: comes with the first byte; nothing is merged with what came before it
    u8 data[];
};

// Everything under the lock of its owner.
struct byteq {
    struct list_head pieces; // the last one may be empty: it is kept for what comes next
    u64 used;                // bytes
    u32 packets;
};

// Bytes taken from a queue, pinned until span_done.
struct span {
    struct piece *piece;
    const u8 *data;
    size_t size;
    size_t cut; // bytes of the packet beyond size
};

void byteq_init(struct byteq *queue);
// Drops all. extra of each piece must have been taken before.
void byteq_clear(struct byteq *queue);

// A piece with room for that many bytes (at most PIECE_MAX, packets any), its owner's alone. NULL: no memory. No lock.
struct piece *piece_new(size_t room);
void piece_put(struct piece *piece); // NULL is accepted

// Adds bytes: as many as there was memory for.
size_t byteq_append(struct byteq *queue, const void *data, size_t size);
// Adds a filled piece, which the queue owns from here on.
void byteq_push(struct byteq *queue, struct piece *piece);
// The piece that the next byte (or packet) comes from, NULL: nothing is there.
struct piece *byteq_first(struct byteq *queue);
// Takes up to max bytes of the first piece, or one packet: false if nothing is there.
bool byteq_take(struct byteq *queue, size_t max, struct span *ret_span);
// The same without taking them, at an offset from the front; packets only at 0.
bool byteq_peek(struct byteq *queue, u64 offset, size_t max, struct span *ret_span);
// Puts the last `size` bytes of a taken span back; does nothing when somebody read on meanwhile. Not for packets.
void byteq_restore(struct byteq *queue, const struct span *span, size_t size);
// The same, but they are never lost: if somebody read on, they come before what is there now. Packets become bytes.
void byteq_return(struct byteq *queue, const struct span *span, size_t size);
void span_done(struct span *span); // no lock
