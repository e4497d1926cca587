// SPDX-License-Identifier: BSD-3-Clause
// Wake lists: whom to wake is decided under a lock, the host is asked after it.
//
//     struct wake_list list;
//     wake_list_init(&list);
//     spin_lock(&object->lock);
//     ... wake_collect(&object->queue, 1, &list) (sync/wait.h), or thread_notify_collect(thread, bits, &list)
//     spin_unlock(&object->lock); // the object may be freed by somebody from here on
//     wake_list_flush(&list);
//
// The list links slots, whose pages stay, and nothing of the objects or threads. A slot is on one list at most: who
// finds it on another one leaves the host call to the owner of that. Therefore nobody sleeps, and takes no lock that
// may sleep, between his first collect and the flush: he would hold back wake-ups that others rely on.
#pragma once

#include "libos/time/time.h"
#include "trusted/slot_wake.h"

struct thread;

struct wake_list {
    struct slot_wake *first, *last; // NULL: empty
};

// Makes an empty list. A list on the stack needs no end: flush leaves it empty.
static inline void wake_list_init(struct wake_list *list) { list->first = list->last = NULL; }

// Ends the sleep of the thread in the slot, or the next one it tries if it is on its way; the host call is left to the
// flush. Any lock may be held.
void wake_list_add(struct wake_list *list, struct slot_wake *slot);

// Sets pending bits of the thread and makes it notice: it is woken if it sleeps, interrupted if it runs its program. No
// host call where every one of the bits was pending already: it has been told. The thread must not go away meanwhile
// (process_lock, or it is the current one). Any lock may be held.
void thread_notify_collect(struct thread *thread, u32 bits, struct wake_list *list);

// Makes the host calls, first collected first. No spinlock held. The list is empty afterwards.
void wake_list_flush(struct wake_list *list);

// The host calls of the flush, for the slot whose page slot lies in (thread.c).
void slot_unpark(struct slot_wake *slot);
void slot_interrupt(struct slot_wake *slot);
