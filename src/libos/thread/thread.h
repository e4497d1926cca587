// SPDX-License-Identifier: BSD-3-Clause
// A LibOS thread = one host thread = one TCS slot. `current` is the running one.
#pragma once

#include "abi/linux/abi.h"
#include "base/list.h"
#include "libos/thread/wake.h"
#include "trusted/regs.h"
#include "trusted/spinlock.h"

struct process;
struct mm;
struct files;
struct fs_context;
struct cred;

// An area of the program's memory as a system call last found it (vm/user.c). It holds while the mm's generation is the
// same; 0 is no mm's.
struct user_area {
    u64 start, end, generation;
    u32 prot; // PROT_*
};

// What read(2), write(2) and their relatives were asked for and moved (/proc/PID/io).
struct thread_io {
    u64 read_bytes, written_bytes, reads, writes;
};

struct thread {
    u32 tid;
    u64 slot;               // index of the TCS slot
    struct slot_wake *wake; // in the slot's tls page: what is pending, and how to wake it
    struct process *process;
    // Owned references, shared by threads and vforked processes. Only the thread itself changes them (thread_swap),
    // under resources_lock; it reads them without, others read them and take a reference under it
    // (process/resources.c); who only compares mm looks without.
    struct mm *mm;
    struct files *files;
    struct fs_context *fs;   // cwd, root, umask
    const struct cred *cred; // NULL: root's (cred.h)
    struct spinlock resources_lock;
    struct list_head siblings; // process->threads; guarded by the process tree's lock
    struct user_regs *regs;    // at the top of the kernel stack
    u64 fs_base;               // the program's TLS base: thread_set_fs
    char name[16];             // comm

    // pthread support (process/)
    u64 clear_child_tid; // user address, 0: none
    u64 robust_list;     // user address
    u64 robust_list_len;

    // signals (signal/): guarded by process->signals' lock
    u64 blocked;       // mask
    u64 saved_blocked; // mask to restore after sigsuspend and friends
    bool restore_blocked;
    s64 restart_deadline; // of a sleep that a signal without handler interrupted (ERESTART_RESTARTBLOCK); 0: none
    struct thread_signal_queue *queue; // signals directed at this thread
    u64 altstack_sp, altstack_size;
    u32 altstack_flags;
    u32 fault_trapno; // of the last hardware fault, for the frame of its handler
    u64 fault_error, fault_addr;

    // faults that found everything in order (vm/fault.c)
    u64 idle_fault_page;
    s64 idle_fault_ns;
    u32 idle_faults;

    // The thread's part in a family (vm/family.h); its own.
    bool away; // its memory may not be in place: not to be touched
    u32 stays; // not 0: it keeps its memory in place while it sleeps
    // a store that faults again and again at a page's end (vm/straddle.c)
    u64 store_rip, store_page;
    u32 store_faults;

    struct user_area areas[4]; // replaced in turn; the thread's own
    u32 next_area;

    // what the scheduler calls were told; inherited by clone
    s8 nice;
    u8 policy; // SCHED_*
    u8 rt_priority;
    bool reset_on_fork;
    u16 io_priority; // ioprio_set(2)
    u32 mempolicy;   // set_mempolicy(2): the mode, and bit 31 for node 0
    bool pinned;     // cpus was set
    u64 cpus[128];   // sched_setaffinity(2)
    // waiting inside (spin.c)
    u32 spins_in_vain, spins_skipped;

    // accounting
    u64 start_ns;        // CLOCK_MONOTONIC
    u64 faults;          // page faults; written by the thread alone
    struct thread_io io; // likewise
};

// The thread that runs this code. Valid on every path from a program and in every LibOS thread.
struct thread *current_thread(void);
#define current current_thread()

// Sleeps until somebody wakes the current thread (wake_list_add and flush), spuriously, or until the deadline
// (CLOCK_MONOTONIC ns, WAIT_FOREVER: none). A token makes a wake-up that comes first end the next sleep at once. Does
// not look at signals. No spinlock held. Used by sync/ only.
void thread_park(s64 deadline_ns);
// The same around another host call that a wake-up ends (the host's poll): false, if one came already and the call is
// not to be made. park_end follows in any case.
bool thread_park_begin(void);
void thread_park_end(void);

// Lets the host run another thread. No spinlock held.
void thread_yield(void);

// thread_notify_collect and the flush at once. No spinlock held; the thread stays meanwhile (process_lock).
void thread_notify(struct thread *thread, u32 bits);
// What is pending for the thread (enum thread_pending), looked at without any lock.
static inline u32 thread_pending(const struct thread *thread)
{
    return __atomic_load_n(&thread->wake->pending, __ATOMIC_ACQUIRE);
}
// Takes bits off what is pending for the current thread. Returns what was pending before.
static inline u32 thread_take_pending(struct thread *self, u32 bits)
{
    return __atomic_fetch_and(&self->wake->pending, ~bits, __ATOMIC_SEQ_CST);
}
// True if an interruptible sleep of the current thread must end.
static inline bool thread_interrupted(const struct thread *thread)
{
    return (thread_pending(thread) & ~(u32)(THREAD_YIELD | THREAD_AWAY)) != 0;
}

// The deadline a restarted system call goes on with, which is the one it began with; `fresh` for a call that is new.
static inline s64 thread_restarted_deadline(s64 fresh)
{
    s64 kept = current->restart_deadline;
    current->restart_deadline = 0;
    return kept ? kept : fresh;
}

// Allocates a thread with a TCS slot. Returns -EAGAIN when no slot can be had, -ENOMEM. The thread does not run yet.
__nodiscard int thread_create(struct thread **ret_thread);
// Starts it: a host thread enters the enclave at its slot and returns to the program with *regs. regs is copied.
__nodiscard int thread_start(struct thread *thread, const struct user_regs *regs);
// Starts a thread of the LibOS itself: fn runs on it and its return ends the thread.
__nodiscard int thread_start_kernel(struct thread *thread, void (*fn)(void *), void *arg);
// Exchanges one of the current thread's references (mm, files, fs) for another: whoever looks from outside finds the
// old one, which lives as long as its reference, or the new one. The caller drops the old one afterwards, with no lock
// held.
#define thread_swap(member, new)                       \
    ({                                                 \
        struct thread *swap_self = current;            \
        typeof(swap_self->member) swap_new = (new);    \
        spin_lock(&swap_self->resources_lock);         \
        typeof(swap_new) swap_old = swap_self->member; \
        WRITE_ONCE(swap_self->member, swap_new);       \
        spin_unlock(&swap_self->resources_lock);       \
        swap_old;                                      \
    })
// Frees a thread that was created and never started.
void thread_discard(struct thread *thread);
// Ends the current thread: its slot is free once the host thread has left the enclave. Never returns. Every reference
// the thread held (mm, files, fs, process) must have been dropped.
_Noreturn void thread_exit(void);

// The program's %fs base of the current thread from now on, the only way to change it. base lies in user space. On SGX
// the instruction does it; in simulation the host does, in whichever way its kernel offers. 0, or -errno of the host.
__nodiscard int thread_set_fs(u64 base);

// Calls the program's registers back: what every way out of the LibOS ends in (trusted/gate.S).
_Noreturn void thread_return_to_user(struct user_regs *regs);

// Called by a thread that is about to sleep; vm/ sets it when the first process forks.
extern void (*thread_sleeps_hook)(struct thread *self);

// Post-syscall hook: signal/ sets it. Called with pending work before each return to the program.
extern void (*thread_pending_hook)(struct user_regs *regs);
// The current thread's signal mask, with all that follows from a change: signal_set_blocked and signal_borrow_mask,
// which signal/ puts here.
struct thread_mask_hooks {
    void (*set)(u64 mask);
    void (*borrow)(u64 mask);
};
extern struct thread_mask_hooks thread_mask_hooks;
