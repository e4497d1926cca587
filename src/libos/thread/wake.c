// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/wake.h"
#include "libos/thread/thread.h"
#include "trusted/lock_class.h"

void (*thread_sleeps_hook)(struct thread *self);

// The owner of the list reads and clears calls in one step before it asks the host. So calls that are added until then
// are made by it, and who adds one later finds the slot on no list.
static void add(struct wake_list *list, struct slot_wake *slot, u32 call)
{
    if (__atomic_fetch_or(&slot->calls, call, __ATOMIC_SEQ_CST))
        return;
    slot->next = NULL;
    if (list->last) {
        list->last->next = slot;
    } else {
        list->first = slot;
        lock_note_wake_list(1);
    }
    list->last = slot;
}

void wake_list_add(struct wake_list *list, struct slot_wake *slot)
{
    // Whoever set the token before makes the call, or has made it.
    u32 had = __atomic_exchange_n(&slot->park_token, 1, __ATOMIC_SEQ_CST);
    if (!had && __atomic_load_n(&slot->parked, __ATOMIC_SEQ_CST))
        add(list, slot, SLOT_CALL_UNPARK);
}

void thread_notify_collect(struct thread *thread, u32 bits, struct wake_list *list)
{
    struct slot_wake *slot = thread->wake;

    u32 had = slot_set_pending(slot, bits);
    if (thread == current || (had & bits) == bits)
        return;
    if (__atomic_load_n(&slot->parked, __ATOMIC_SEQ_CST))
        wake_list_add(list, slot);
    else
        add(list, slot, SLOT_CALL_INTERRUPT);
}

void thread_notify(struct thread *thread, u32 bits)
{
    struct wake_list list;

    wake_list_init(&list);
    thread_notify_collect(thread, bits, &list);
    wake_list_flush(&list);
}

// The race between going to sleep and being woken is closed by the token: a wake-up sets it first and looks at parked
// second, a sleeper the other way round; the host keeps a token of its own for the time between our look and its sleep.
bool thread_park_begin(void)
{
    struct slot_wake *self = current->wake;

    lock_check_sleep();
    void (*sleeps)(struct thread *) = READ_ONCE(thread_sleeps_hook);
    if (unlikely(sleeps != NULL))
        sleeps(current);
    __atomic_store_n(&self->parked, 1, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&self->park_token, __ATOMIC_SEQ_CST);
}

void thread_park_end(void)
{
    struct slot_wake *self = current->wake;

    __atomic_store_n(&self->parked, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->park_token, 0, __ATOMIC_SEQ_CST);
}

void wake_list_flush(struct wake_list *list)
{
    struct slot_wake *slot = list->first;

    if (slot)
        lock_note_wake_list(-1);
    wake_list_init(list);
    while (slot) {
        struct slot_wake *next = slot->next; // from the exchange on it belongs to the next list
        u32 calls = __atomic_exchange_n(&slot->calls, 0, __ATOMIC_SEQ_CST);
        if (calls & SLOT_CALL_INTERRUPT) // which ends a sleep as well
            slot_interrupt(slot);
        else
            slot_unpark(slot);
        slot = next;
    }
}
