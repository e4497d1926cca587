// SPDX-License-Identifier: BSD-3-Clause
// What the host read of a stream while it reported events, so that waiting and receiving are one exit.
//
// The host may read ahead once for each grant, which goes with a send or a receive and has a number. Grants are taken
// back by the next receive that asks the host: bytes that both sides read at once would come in the wrong order. Where
// the host has read already, it says so (-EALREADY), and the receiver waits for the bytes that are under way.
//
// A host that breaks this gives wrong bytes of what is its own to give. What nobody granted is dropped.
#pragma once

#include "abi/occlum/ocall_types.h"
#include "trusted/spinlock.h"

struct ahead {
    struct spinlock lock;
    u8 *data;               // NULL: nothing. All of it is guarded by lock
    u32 at, size;           // the program had [0, at)
    u32 granted, delivered; // numbers: the last one given out, the last one that was used or taken back
    u32 changes;            // of the hostpoll, when the data came
    int error;              // -errno that the host met; 0: none
    bool more;              // there may be more than the host could put here
    bool growing;           // a receiver holds bytes that come next
    bool off;               // nothing is granted any more
};

// A piece that the host read, or the error it met.
struct ahead_piece {
    u8 *data; // kmalloc; ahead_deliver sets it to NULL where it takes it
    u32 size, number, changes;
    int error;
    bool more;
};

void ahead_init(struct ahead *ahead);
// Drops what is there. True: there was something unread.
bool ahead_drop(struct ahead *ahead);
// Nothing is read ahead from now on; what is there stays.
void ahead_stop(struct ahead *ahead);

// Too much lies unread in all streams together: the host should read nothing now.
bool ahead_is_full(void);
void ahead_deliver(struct ahead *ahead, struct ahead_piece *piece); // any lock of an outer class may be held

// What goes with a send or a receive of the stream whose cookie that is. receive: it takes older grants back.
struct host_ahead ahead_ask(struct ahead *ahead, u64 cookie, bool receive);
// Its outcome. refused: the host said -EALREADY; granted: the host may use the new grant.
void ahead_answered(struct ahead *ahead, const struct host_ahead *ask, bool refused, bool granted);
// A receive must wait for bytes that come before those it could get of the host.
bool ahead_is_under_way(struct ahead *ahead, const struct host_ahead *refused);
// The host may read ahead: it will tell of anything that comes.
bool ahead_is_granted(struct ahead *ahead);

u32 ahead_size(struct ahead *ahead);   // bytes that are there
u32 ahead_events(struct ahead *ahead); // POLLIN, POLLERR
int ahead_take_error(struct ahead *ahead);
// Keeps an error that the host told of, for the receiver that comes next.
void ahead_put_error(struct ahead *ahead, int error);

struct ahead_taken {
    u32 size;    // bytes; 0: there were none
    u32 changes; // of the hostpoll, when they came
    bool last;   // nothing is left
    bool more;   // there may have been more then
};
// Moves, or copies with peek, at most size bytes.
struct ahead_taken ahead_take(struct ahead *ahead, void *data, u32 size, bool peek);
// For who peeks further than what is there: begin says that the caller, and nobody else, may receive; end adds what
// came. Other receivers wait meanwhile. Without memory the stream ends with -ENOMEM.
bool ahead_is_growing(struct ahead *ahead);
bool ahead_grow_begin(struct ahead *ahead);
void ahead_grow_end(struct ahead *ahead, const void *data, u32 size);
