// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/thread.h"
#include "abi/occlum/entry.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/mem/limits.h"
#include "libos/thread/cred.h"
#include "libos/thread/slots.h"
#include "libos/thread/spin.h"
#include "libos/time/time.h"
#include "trusted/cpu.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/vector.h"

void (*thread_pending_hook)(struct user_regs *regs);
struct thread_mask_hooks thread_mask_hooks;

struct thread *current_thread(void) { return tls_self()->thread; }

int thread_set_fs(u64 base)
{
    struct tls *tls = tls_self();

    if (enclave_simulated) {
        int err = (int)ocall_set_fs(base);
        if (err)
            return err;
    } else {
        __asm__ volatile("wrfsbase %0" ::"r"(base));
    }
    tls->fs_base = tls->thread->fs_base = base;
    return 0;
}

int thread_create(struct thread **ret_thread)
{
    struct thread *thread = kzalloc(sizeof(*thread));
    if (!thread)
        return -ENOMEM;
    int err = slot_claim(thread);
    if (err) {
        if (err == -EAGAIN)
            limit_note(LIMIT_THREADS, 0);
        kfree(thread);
        return err;
    }
    list_init(&thread->siblings);
    spin_init(&thread->resources_lock, LOCK_RESOURCES);
    thread->start_ns = (u64)time_monotonic_ns();
    *ret_thread = thread;
    return 0;
}

void thread_discard(struct thread *thread)
{
    slot_release_unstarted(thread->slot);
    cred_unref(thread->cred);
    kfree(thread);
}

// The new thread begins with the creator's vector state, as clone(2) has it.
static int start(struct thread *thread)
{
    vector_save(tls_of_slot(thread->slot)->vector_area);
    return slot_start(thread->slot);
}

int thread_start(struct thread *thread, const struct user_regs *regs)
{
    *thread->regs = *regs;
    thread->regs->full_restore = 1;
    return start(thread);
}

int thread_start_kernel(struct thread *thread, void (*fn)(void *), void *arg)
{
    struct tls *tls = tls_of_slot(thread->slot);
    tls->start = fn;
    tls->start_arg = arg;
    return start(thread);
}

void thread_exit(void)
{
    struct tls *tls = tls_self();
    struct thread *thread = tls->thread;

    lock_check_none();
    const struct cred *cred = thread->cred;
    tls->thread = NULL;
    slot_leaving();
    cred_unref(cred);
    kfree(thread);
    enclave_exit(EXIT_THREAD, 0);
}

// In the host, until it is woken there.
static void sleep_outside(struct slot_wake *self, s64 deadline_ns)
{
    s64 timeout = deadline_ns == WAIT_FOREVER ? -1 : MAX(deadline_ns - time_monotonic_ns(), (s64)0);
    if (timeout == 0)
        return;
    ocall_park(timeout);
    u64 asked = __atomic_load_n(&self->asked, __ATOMIC_RELAXED), now = cpu_tsc();
    if (asked && now > asked)
        spin_learn(now - asked);
}

void thread_park(s64 deadline_ns)
{
    struct slot_wake *self = current->wake;

    if (!thread_spin(current)) {
        __atomic_store_n(&self->asked, 0, __ATOMIC_RELAXED);
        if (thread_park_begin())
            sleep_outside(self, deadline_ns);
    }
    thread_park_end();
}

void thread_yield(void) { ocall_yield(); }

static u64 slot_of(const struct slot_wake *slot) { return container_of(slot, const struct tls, wake)->slot.slot; }

void slot_unpark(struct slot_wake *slot)
{
    __atomic_store_n(&slot->asked, cpu_tsc(), __ATOMIC_RELAXED);
    ocall_unpark(slot_of(slot));
}

void slot_interrupt(struct slot_wake *slot) { ocall_interrupt(slot_of(slot)); }
