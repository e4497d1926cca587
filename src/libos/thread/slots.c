// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/slots.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "trusted/layout.h"
#include "trusted/vector.h"

void gate_entry(void);

static u64 in_use, peak;

u64 slots_in_use(u64 *ret_peak)
{
    *ret_peak = peak;
    return __atomic_load_n(&in_use, __ATOMIC_RELAXED);
}

static bool claim(struct tls *tls)
{
    u64 free = SLOT_FREE;
    return __atomic_compare_exchange_n(&tls->state, &free, SLOT_STARTING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// What the signer writes for the slots that exist from the start holds for all: the page is a function of the index.
static void name_slot(struct tls *tls, u64 index)
{
    u64 base = enclave_layout.slots_start + index * enclave_layout.slot_stride;
    tls->slot = (struct enclave_slot_tls){
        .self = (u64)(uintptr_t)tls, .slot = index, .tcs = base + ENCLAVE_SLOT_TCS,
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
    tls->ocall_fs = 0;
    thread->slot = tls->slot.slot;
    thread->regs = (struct user_regs *)tls->slot.stack_top - 1;
    return 0;
}

int slot_claim(struct thread *thread)
{
    // Low slots first: they are the ones that exist from the start and have warm stacks.
    for (u64 i = 0; i < enclave_layout.slots_init; i++) {
        struct tls *tls = tls_of_slot(i);
        if (READ_ONCE(tls->state) != SLOT_FREE || !claim(tls))
            continue;
        name_slot(tls, i);
        int err = prepare(tls, thread);
        if (err) {
            WRITE_ONCE(tls->state, SLOT_FREE);
            return err;
        }
        u64 now = __atomic_add_fetch(&in_use, 1, __ATOMIC_RELAXED);
        if (now > peak)
            peak = now;
        return 0;
    }
    return -EAGAIN;
}

void slot_adopt(struct thread *thread)
{
    struct tls *tls = tls_self();
    if (prepare(tls, thread) == 0)
        in_use = peak = 1;
}

void slot_release_unstarted(u64 slot)
{
    __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&tls_of_slot(slot)->state, SLOT_FREE, __ATOMIC_RELEASE);
}

void slot_run(struct tls *tls)
{
    struct thread *thread = tls->thread;

    vector_restore(tls->vector_area);
    if (tls->start) {
        tls->start(tls->start_arg);
        thread_exit();
    }
    __asm__ volatile("wrfsbase %0" ::"r"(thread->fs_base));
    thread_return_to_user(thread->regs);
}


void slot_leaving(void) { __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED); }
