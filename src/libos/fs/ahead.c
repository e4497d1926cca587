// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/ahead.h"
#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"

enum { UNREAD_MAX = 4 << 20 }; // bytes, of all streams

static u64 unread; // atomic; memory that is held for them

void ahead_init(struct ahead *ahead)
{
    *ahead = (struct ahead){ 0 };
    spin_init(&ahead->lock, LOCK_AHEAD);
}

// Lock held. The caller frees what is returned.
static u8 *detach(struct ahead *ahead)
{
    u8 *data = ahead->data;
    if (data)
        __atomic_fetch_sub(&unread, ahead->size, __ATOMIC_RELAXED);
    ahead->data = NULL;
    ahead->at = ahead->size = 0;
    return data;
}

static void attach(struct ahead *ahead, u8 *data, u32 size)
{
    __atomic_fetch_add(&unread, size, __ATOMIC_RELAXED);
    ahead->data = data;
    ahead->at = 0;
    ahead->size = size;
}

bool ahead_drop(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    u8 *data = detach(ahead);
    spin_unlock(&ahead->lock);
    kfree(data);
    return data;
}

void ahead_stop(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    ahead->off = true;
    spin_unlock(&ahead->lock);
}

bool ahead_is_full(void) { return __atomic_load_n(&unread, __ATOMIC_RELAXED) >= UNREAD_MAX; }

void ahead_deliver(struct ahead *ahead, struct ahead_piece *piece)
{
    spin_lock(&ahead->lock);
    if (piece->number > ahead->delivered && piece->number <= ahead->granted) {
        ahead->delivered = piece->number;
        if (piece->error) {
            ahead->error = piece->error;
        } else if (!ahead->data) { // what is unread keeps grants from being given
            attach(ahead, piece->data, piece->size);
            ahead->changes = piece->changes;
            ahead->more = piece->more;
            piece->data = NULL;
        }
    }
    spin_unlock(&ahead->lock);
}

struct host_ahead ahead_ask(struct ahead *ahead, u64 cookie, bool receive)
{
    struct host_ahead ask = { .cookie = cookie };

    spin_lock(&ahead->lock);
    ask.seen = ahead->delivered;
    ask.revoke = receive ? ahead->granted : 0;
    bool free = receive || ahead->granted == ahead->delivered;
    if (free && !ahead->off && !ahead->data && !ahead->error && !ahead->growing && ahead->granted < UINT32_MAX)
        ask.grant = ++ahead->granted;
    spin_unlock(&ahead->lock);
    return ask;
}

void ahead_answered(struct ahead *ahead, const struct host_ahead *ask, bool refused, bool granted)
{
    spin_lock(&ahead->lock);
    if (!refused) {
        ahead->delivered = MAX(ahead->delivered, ask->revoke);
        if (ask->grant && !granted)
            ahead->delivered = MAX(ahead->delivered, ask->grant);
    } else if (ask->grant && ahead->granted == ask->grant) {
        ahead->granted--; // the host did not hear of it
    }
    spin_unlock(&ahead->lock);
}

bool ahead_is_under_way(struct ahead *ahead, const struct host_ahead *refused)
{
    spin_lock(&ahead->lock);
    bool waits = ahead->growing || (ahead->delivered == refused->seen && !ahead->data);
    spin_unlock(&ahead->lock);
    return waits;
}

bool ahead_is_granted(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    bool is = ahead->granted != ahead->delivered && !ahead->data && !ahead->error;
    spin_unlock(&ahead->lock);
    return is;
}

u32 ahead_size(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    u32 size = ahead->size - ahead->at;
    spin_unlock(&ahead->lock);
    return size;
}

u32 ahead_events(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    u32 events = (ahead->data ? POLLIN : 0) | (ahead->error ? POLLIN | POLLERR : 0);
    spin_unlock(&ahead->lock);
    return events;
}

int ahead_take_error(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    int error = ahead->data ? 0 : ahead->error;
    if (error)
        ahead->error = 0;
    spin_unlock(&ahead->lock);
    return error;
}

void ahead_put_error(struct ahead *ahead, int error)
{
    spin_lock(&ahead->lock);
    ahead->error = error;
    spin_unlock(&ahead->lock);
}

struct ahead_taken ahead_take(struct ahead *ahead, void *data, u32 size, bool peek)
{
    u8 *gone = NULL;

    spin_lock(&ahead->lock);
    struct ahead_taken taken = { .size = MIN(size, ahead->size - ahead->at), .changes = ahead->changes };
    if (taken.size)
        memcpy(data, ahead->data + ahead->at, taken.size);
    if (!peek)
        ahead->at += taken.size;
    if (ahead->data && ahead->at == ahead->size) {
        gone = detach(ahead);
        taken.last = true;
        taken.more = ahead->more;
    }
    spin_unlock(&ahead->lock);
    kfree(gone);
    return taken;
}

bool ahead_is_growing(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    bool is = ahead->growing;
    spin_unlock(&ahead->lock);
    return is;
}

bool ahead_grow_begin(struct ahead *ahead)
{
    spin_lock(&ahead->lock);
    bool may = ahead->data && !ahead->growing;
    ahead->growing |= may;
    spin_unlock(&ahead->lock);
    return may;
}

void ahead_grow_end(struct ahead *ahead, const void *data, u32 size)
{
    u32 room = ahead_size(ahead) + size; // it may have become less since, not more
    u8 *joined = size ? kmalloc(room) : NULL, *old = NULL;

    spin_lock(&ahead->lock);
    ahead->growing = false;
    if (joined) {
        u32 left = ahead->size - ahead->at;
        if (left)
            memcpy(joined, ahead->data + ahead->at, left);
        memcpy(joined + left, data, size);
        old = detach(ahead);
        attach(ahead, joined, left + size);
        ahead->more = true; // not known
    } else if (size) {
        ahead->error = -ENOMEM;
    }
    spin_unlock(&ahead->lock);
    kfree(old);
}
