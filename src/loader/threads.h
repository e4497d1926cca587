// SPDX-License-Identifier: BSD-3-Clause
// Host threads: one per running slot; an idle one is kept for the next start.
//
// What serves host calls (threads.c, host_*.c, clock.c) may run with the program's %fs: it calls no libc and has no
// thread-local variable (tests/lint/check_served.py). What it knows of its thread comes as `self`.
#pragma once

#include "platform/platform.h"

struct host_thread {
    u64 slot;
    void *machine; // the platform's
    int tid;       // 0: not yet entered, cannot be interrupted
    u32 token;     // futex: 1 = wake up
    u32 go;        // futex: 1 = an idle thread has been given a slot
    bool polling;  // it sleeps in host_poll_wait, where host_poll_wake reaches it
    void *arena;
    struct host_thread *next_idle;
};

int threads_init(const struct platform_ops *platform, u64 slots_max);
// Enters slot 0 with the start arguments on the calling thread; returns when the enclave has shut down: its wait
// status.
int threads_run_first(u64 start_args);

// Prepares the calling thread, which is self, for entering the enclave; needs libc. 0 or -errno.
int threads_attach(struct host_thread *self);
// Serves the thread's slot until the thread leaves it for good: the reason and its value. %fs is the host's then.
struct enclave_exit threads_serve(struct host_thread *self, u64 code, u64 arg);
// Waits, idle, until threads_start gives the thread a slot.
void threads_wait_for_slot(struct host_thread *self);
// The thread that serves or last served the slot; NULL where there is none.
struct host_thread *threads_of_slot(u64 slot);
// `thread` serves the slot from now on.
void threads_take_slot(struct host_thread *thread, u64 slot);
// Makes one more host thread for the slot; needs libc (thread_make.c). 0 or -errno.
s64 threads_make(void *slot);
// Calls work(arg) with the host's %fs, for what needs libc.
s64 threads_with_libc(struct host_thread *self, s64 (*work)(void *arg), void *arg);
void threads_wake(struct host_thread *thread);

// Host calls.
int threads_start(struct host_thread *self, u64 slot);
int threads_park(struct host_thread *self, s64 timeout_ns);
int threads_unpark(u64 slot);
int threads_interrupt(u64 slot);
int threads_set_fs(struct host_thread *self, u64 base);
// Interrupts some thread of the enclave, so that it takes host signals.
void threads_interrupt_all(void);
// Around the wait of host_poll.c: from begin to end an unpark or interrupt of the calling thread calls host_poll_wake.
// false: one came already, do not wait.
bool threads_poll_begin(struct host_thread *self);
void threads_poll_end(struct host_thread *self);
