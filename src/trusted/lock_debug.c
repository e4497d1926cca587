// SPDX-License-Identifier: BSD-3-Clause
// The checks of lock_class.h. A thread looks at its own list only, so nothing here is shared and nothing is locked.
#include "trusted/lock_class.h"

#if LOCK_DEBUG

static const struct {
    const char *name;
    u32 kind;
} classes[LOCK_CLASS_COUNT] = { [LOCK_NONE] = { "none", LOCK_SLEEPS },
#define LOCK_CLASS_ROW(name, kind, what) [LOCK_##name] = { #name, kind },
                                LOCK_CLASSES(LOCK_CLASS_ROW)
#undef LOCK_CLASS_ROW
};

const char *lock_class_name(enum lock_class class) { return class < LOCK_CLASS_COUNT ? classes[class].name : "?"; }

static bool spins(u32 class) { return classes[class].kind & LOCK_SPINS; }

// Whether a lock may be taken while another one is held.
static bool in_order(const void *held, u32 held_class, const void *lock, u32 class)
{
    if (held_class != class)
        return held_class < class;
    if (classes[class].kind & LOCK_NESTS)
        return true;
    return (classes[class].kind & LOCK_PAIRS) && (u64)(uintptr_t)held < (u64)(uintptr_t)lock;
}

void lock_note_take(const void *lock, u32 class, bool wait)
{
    struct lock_thread *self = lock_thread();

    if (class == LOCK_NONE || class >= LOCK_CLASS_COUNT) {
        lock_fault("a lock without a class", LOCK_NONE, LOCK_NONE);
        return;
    }
    if (!spins(class) && wait)
        lock_check_sleep();
    for (u32 i = 0; i < self->count; i++) {
        if (self->held[i].lock == lock)
            lock_fault("a lock is taken twice", class, self->held[i].class);
        else if (wait && !in_order(self->held[i].lock, self->held[i].class, lock, class))
            lock_fault("a lock is taken against the order", class, self->held[i].class);
    }
    if (self->count == LOCKS_HELD_MAX) {
        lock_fault("too many locks at once", class, self->held[self->count - 1].class);
        return;
    }
    self->held[self->count].lock = lock;
    self->held[self->count++].class = class;
}

void lock_note_give(const void *lock)
{
    struct lock_thread *self = lock_thread();
    u32 at = self->count;

    while (at && self->held[at - 1].lock != lock)
        at--;
    if (!at) {
        lock_fault("a lock is given up by who does not hold it", LOCK_NONE, LOCK_NONE);
        return;
    }
    self->count--;
    for (u32 i = at - 1; i < self->count; i++)
        self->held[i] = self->held[i + 1];
}

bool lock_note_held(const void *lock)
{
    const struct lock_thread *self = lock_thread();

    for (u32 i = 0; i < self->count; i++)
        if (self->held[i].lock == lock)
            return true;
    return false;
}

void lock_check_held(const void *lock, u32 class)
{
    if (!lock_note_held(lock))
        lock_fault("a lock is not held that should be", class, LOCK_NONE);
}

static void check_no_spinlock(const char *what)
{
    const struct lock_thread *self = lock_thread();

    for (u32 i = 0; i < self->count; i++)
        if (spins(self->held[i].class))
            lock_fault(what, LOCK_NONE, self->held[i].class);
}

void lock_check_sleep(void)
{
    check_no_spinlock("a thread may sleep with a spinlock held");
    if (lock_thread()->wake_lists)
        lock_fault("a thread may sleep before it flushed its wake list", LOCK_NONE, LOCK_NONE);
}

void lock_check_host_call(void) { check_no_spinlock("a host call with a spinlock held"); }

void lock_check_user_copy(void)
{
    const struct lock_thread *self = lock_thread();

    for (u32 i = 0; i < self->count; i++)
        if (!(classes[self->held[i].class].kind & LOCK_USER))
            lock_fault("the program's memory is touched under a lock that its fault cannot go around", LOCK_NONE,
                       self->held[i].class);
    lock_check_sleep();
}

void lock_check_none(void)
{
    const struct lock_thread *self = lock_thread();

    if (self->count)
        lock_fault("a thread ends with a lock held", LOCK_NONE, self->held[0].class);
    if (self->wake_lists)
        lock_fault("a thread ends before it flushed its wake list", LOCK_NONE, LOCK_NONE);
}

void lock_note_wake_list(int change) { lock_thread()->wake_lists += (u32)change; }

#endif
