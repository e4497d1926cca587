// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/slots.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "trusted/cpu.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/tcs.h"
#include "trusted/vector.h"

void gate_entry(void);

static u64 in_use, peak;

u64 slots_in_use(u64 *ret_peak)
{
    *ret_peak = READ_ONCE(peak);
    return __atomic_load_n(&in_use, __ATOMIC_RELAXED);
}

static bool claim(struct tls *tls)
{
    u64 free = SLOT_FREE;
    return __atomic_compare_exchange_n(&tls->state, &free, SLOT_CLAIMED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// What the signer writes for the slots that exist from the start holds for all: the page is a function of the index.
// Written once: a waker may read it at any time, also of a slot that has no thread any more.
static void name_slot(struct tls *tls, u64 index)
{
    if (tls->slot.self)
        return;
    u64 base = enclave_layout.slots_start + index * enclave_layout.slot_stride;
    tls->slot = (struct enclave_slot_tls){
        .self = (u64)(uintptr_t)tls,
        .slot = index,
        .tcs = base + ENCLAVE_SLOT_TCS,
        .stack_top = base + ENCLAVE_SLOT_STACK + enclave_layout.stack_size,
    };
}

static int prepare(struct tls *tls, struct thread *thread)
{
    if (!tls->vector_area) {
        size_t one = ALIGN_UP(vector_state_size(), 64), pages = DIV_ROUND_UP(2 * one, PAGE_SIZE);
        u8 *area = kpages_alloc(pages);
        if (!area)
            return -ENOMEM;
        memset(area, 0, pages * PAGE_SIZE);
        tls->vector_area = area;
        tls->vector_ocall_area = area + one;
    }
    tls->gate_entry = (u64)(uintptr_t)gate_entry;
    tls->thread = thread;
    tls->start = NULL;
    tls->fs_base = 0;
    // calls and next are not ours to touch: another thread may still have the slot on its list, for one that ended.
    __atomic_store_n(&tls->wake.pending, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&tls->wake.park_token, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&tls->wake.parked, 0, __ATOMIC_RELAXED);
    thread->wake = &tls->wake;
    tls->started = cpu_tsc();
    tls->waited = tls->served = tls->wait_since = tls->waits = 0;
    thread->slot = tls->slot.slot;
    thread->regs = (struct user_regs *)tls->slot.stack_top - 1;
    return 0;
}

// Slots [0, ready) have their pages. Those beyond what was there at load are made one by one, and stay.
static u64 ready;

static u64 slots_ready(void) { return MAX(__atomic_load_n(&ready, __ATOMIC_ACQUIRE), (u64)enclave_layout.slots_init); }

// Makes one more slot, or waits for the thread that is making one.
static int add_slot(u64 seen)
{
    static bool adding; // not a spinlock: host calls are made meanwhile
    int err = 0;

    if (!enclave_layout.edmm || seen >= enclave_layout.slots_max)
        return -EAGAIN;
    while (__atomic_exchange_n(&adding, true, __ATOMIC_ACQUIRE))
        ocall_yield();
    if (slots_ready() == seen) {
        err = tcs_create(seen);
        if (!err)
            __atomic_store_n(&ready, seen + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&adding, false, __ATOMIC_RELEASE);
    return err ? -EAGAIN : 0;
}

static int claim_and_prepare(struct tls *tls, u64 index, struct thread *thread)
{
    name_slot(tls, index);
    int err = prepare(tls, thread);
    if (err) {
        WRITE_ONCE(tls->state, SLOT_FREE);
        return err;
    }
    u64 now = __atomic_add_fetch(&in_use, 1, __ATOMIC_RELAXED), top = READ_ONCE(peak);
    while (now > top && !__atomic_compare_exchange_n(&peak, &top, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return 0;
}

int slot_claim(struct thread *thread)
{
    for (;;) {
        u64 count = slots_ready();
        // Low slots first: they are the ones that exist from the start and have warm stacks.
        for (u64 i = 0; i < count; i++) {
            struct tls *tls = tls_of_slot(i);
            if (READ_ONCE(tls->state) == SLOT_FREE && claim(tls))
                return claim_and_prepare(tls, i, thread);
        }
        int err = add_slot(count);
        if (err)
            return err;
    }
}

void slot_adopt(struct thread *thread)
{
    struct tls *tls = tls_self();
    if (prepare(tls, thread) == 0)
        in_use = peak = 1;
}

void slot_release_unstarted(u64 slot)
{
    u64 claimed = SLOT_CLAIMED;

    __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);
    BUG_ON(!__atomic_compare_exchange_n(&tls_of_slot(slot)->state, &claimed, SLOT_FREE, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
}

int slot_start(u64 slot)
{
    u64 *state = &tls_of_slot(slot)->state, starting = SLOT_STARTING;

    __atomic_store_n(state, SLOT_STARTING, __ATOMIC_RELEASE);
    int err = (int)ocall_thread_start(slot);
    if (err && !__atomic_compare_exchange_n(state, &starting, SLOT_CLAIMED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        enclave_abort(ABORT_HOST_LIE);
    return err;
}

void slot_run(struct tls *tls)
{
    struct thread *thread = tls->thread;

    vector_restore(tls->vector_area);
    if (tls->start) {
        tls->start(tls->start_arg);
        thread_exit();
    }
    if (thread_set_fs(thread->fs_base) != 0)
        enclave_abort(ABORT_HOST_LIE); // the base was checked when it was asked for
    thread_return_to_user(thread->regs);
}

void slot_leaving(void) { __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED); }
