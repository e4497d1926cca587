// SPDX-License-Identifier: BSD-3-Clause
// Serving a slot, and the host calls on threads. Runs with the program's %fs: see threads.h.
#include "loader/threads.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <time.h>

#include "abi/occlum/entry.h"
#include "loader/lock.h"
#include "loader/messages.h"
#include "loader/host_poll.h"
#include "loader/ocall_dispatch.h"
#include "platform/raw.h"

static const struct platform_ops *platform;
static u64 slot_count;
static int interrupt_signal;
static int process_id;
// `inside` is held by the thread from its first entry of the slot until it has left for good. The enclave gives a slot
// up just before the last exit, so the slot's next thread may be on its way while the last one is not yet out, or lies
// interrupted outside with the TCS idle: then an entry would fail, or come to the exception entry.
struct slot {
    struct host_thread *thread; // that serves or served it; NULL: none yet
    struct loader_lock inside;
};
static struct slot *slots;
static struct loader_lock idle_lock;
static struct host_thread *idle; // guarded by idle_lock
static bool shutting_down;       // the enclave said its last word; the process is about to end

int threads_init(const struct platform_ops *ops, u64 slots_max)
{
    platform = ops;
    slot_count = slots_max;
    interrupt_signal = platform_interrupt_signal();
    process_id = (int)RAW(SYS_getpid);
    s64 table = RAW(SYS_mmap, NULL, slots_max * sizeof(struct slot), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    slots = (struct slot *)table;
    return table < 0 ? (int)table : 0;
}

struct host_thread *threads_of_slot(u64 slot)
{
    return slot < slot_count ? __atomic_load_n(&slots[slot].thread, __ATOMIC_ACQUIRE) : NULL;
}

void threads_take_slot(struct host_thread *thread, u64 slot)
{
    thread->slot = slot;
    __atomic_store_n(&slots[slot].thread, thread, __ATOMIC_RELEASE);
}

int threads_attach(struct host_thread *self)
{
    int err = platform->attach_thread(&self->machine);
    // Only now can it be interrupted.
    __atomic_store_n(&self->tid, (int)RAW(SYS_gettid), __ATOMIC_RELEASE);
    return err;
}

struct enclave_exit threads_serve(struct host_thread *self, u64 code, u64 arg)
{
    struct ocall_frame *frame = self->arena;
    struct loader_lock *inside = &slots[self->slot].inside;

    loader_lock(inside);
    for (;;) {
        struct enclave_exit exit =
            platform->enter(self->machine, self->slot, code, arg, (u64)(uintptr_t)self->arena, OCALL_ARENA_SIZE);
        if (exit.reason == EXIT_OCALL) {
            if (frame->augment_len && platform->edmm_augment)
                (void)platform->edmm_augment(frame->augment_addr, frame->augment_len, (u32)frame->augment_prot);
            arg = (u64)ocall_dispatch(self, frame->number, frame->arg);
            code = ECALL_RETURN;
            continue;
        }
        loader_unlock(inside);
        switch (exit.reason) {
        case EXIT_REFUSED:
            message_refused_entry(self->slot, &shutting_down);
            break;
        case EXIT_ABORT:
            message_aborted(exit.value);
        case EXIT_SHUTDOWN:
            __atomic_store_n(&shutting_down, true, __ATOMIC_RELEASE);
            message_refused_start(exit.value >> 32);
            break;
        default:
            break;
        }
        return exit;
    }
}

s64 threads_with_libc(struct host_thread *self, s64 (*work)(void *arg), void *arg)
{
    if (!platform->libc_begin)
        return work(arg);
    u64 program_fs = platform->libc_begin(self->machine);
    s64 result = work(arg);
    platform->libc_end(self->machine, program_fs);
    return result;
}

void threads_wake(struct host_thread *thread)
{
    if (__atomic_exchange_n(&thread->token, 1, __ATOMIC_SEQ_CST) == 0)
        raw_futex(&thread->token, FUTEX_WAKE, 1, NULL);
    if (__atomic_load_n(&thread->polling, __ATOMIC_SEQ_CST))
        host_poll_wake();
}

// Host threads are few and live until the process ends.
void threads_wait_for_slot(struct host_thread *self)
{
    loader_lock(&idle_lock);
    __atomic_store_n(&self->go, 0, __ATOMIC_RELAXED);
    self->next_idle = idle;
    idle = self;
    loader_unlock(&idle_lock);
    while (!__atomic_load_n(&self->go, __ATOMIC_ACQUIRE))
        raw_futex(&self->go, FUTEX_WAIT, 0, NULL);
}

int threads_start(struct host_thread *self, u64 slot)
{
    if (slot >= slot_count)
        return -EINVAL;
    loader_lock(&idle_lock);
    struct host_thread *thread = idle;
    if (thread)
        idle = thread->next_idle;
    loader_unlock(&idle_lock);
    if (!thread)
        return (int)threads_with_libc(self, threads_make, &slot);
    // A late wake-up of its last slot may still come.
    __atomic_store_n(&thread->token, 0, __ATOMIC_SEQ_CST);
    threads_take_slot(thread, slot);
    __atomic_store_n(&thread->go, 1, __ATOMIC_RELEASE);
    raw_futex(&thread->go, FUTEX_WAKE, 1, NULL);
    return 0;
}

int threads_park(struct host_thread *self, s64 timeout_ns)
{
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

    if (__atomic_exchange_n(&self->token, 0, __ATOMIC_SEQ_CST))
        return 0;
    raw_futex(&self->token, FUTEX_WAIT, 0, timeout_ns < 0 ? NULL : &timeout);
    __atomic_store_n(&self->token, 0, __ATOMIC_SEQ_CST);
    return 0;
}

int threads_unpark(u64 slot)
{
    struct host_thread *thread = threads_of_slot(slot);
    if (!thread)
        return -ESRCH;
    threads_wake(thread);
    return 0;
}

int threads_interrupt(u64 slot)
{
    struct host_thread *thread = threads_of_slot(slot);
    if (!thread)
        return -ESRCH;
    threads_wake(thread);
    // A thread that is just starting has no tid yet; it looks at its pending work before it runs the program.
    int tid = __atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE);
    if (tid)
        RAW(SYS_tgkill, process_id, tid, interrupt_signal);
    return 0;
}

int threads_set_fs(struct host_thread *self, u64 base)
{
    return platform->set_fs ? platform->set_fs(self->machine, base) : -ENOSYS;
}

void threads_interrupt_all(void)
{
    for (u64 slot = 0; slot < slot_count; slot++)
        threads_interrupt(slot);
}

bool threads_poll_begin(struct host_thread *self)
{
    __atomic_store_n(&self->polling, true, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&self->token, __ATOMIC_SEQ_CST);
}

void threads_poll_end(struct host_thread *self)
{
    __atomic_store_n(&self->polling, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->token, 0, __ATOMIC_SEQ_CST);
}
