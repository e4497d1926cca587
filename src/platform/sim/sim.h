// SPDX-License-Identifier: BSD-3-Clause
// The simulation's parts.
#pragma once

#include <signal.h>

#include "platform/platform.h"

enum { SIM_STACK_SIZE = 0x20000 };

// What simulation keeps of a host thread. It lies at the begin of the thread's alternate signal stack, which is aligned
// to its size: a handler finds it by its stack pointer, for %fs may be the program's, and a program can change %gs.
struct sim_thread {
    u64 host_fs;    // base of %fs for libc
    u64 program_fs; // the last base given to the enclave's code; host_fs while the thread is in no slot
    u64 tls;        // the tls page of the slot it serves: base of %gs
};
static inline struct sim_thread *sim_thread_of_handler(void)
{
    return (struct sim_thread *)((uintptr_t)__builtin_frame_address(0) & -(uintptr_t)SIM_STACK_SIZE);
}

// Arguments of sim_enter; offsets as in enter.S.
struct sim_entry {
    u64 oentry, tcs, cssa;
    u64 code, arg, arena, arena_size;
    u64 reason, value;
};
// Jumps to the enclave's entry and returns at its exit. %fs and %gs stay as they are.
void sim_enter(struct sim_entry *entry);

extern struct enclave_layout sim_layout;

// thread.c: operations of platform.h.
extern u8 *sim_guarded; // per slot: 1 once its stack has its guard pages
struct enclave_exit sim_enter_slot(void *thread, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size);
u64 sim_libc_begin(void *thread);
void sim_libc_end(void *thread, u64 program_fs);
int sim_set_fs(void *thread, u64 base);

// memory.c: operations of platform.h.
int sim_mem_protect(u64 addr, u64 len, u32 prot);
int sim_mem_discard(u64 addr, u64 len);
int sim_mem_commit(u64 addr, u64 len);
int sim_mem_move(u64 addr, u64 len, u64 from, u32 prot);
int sim_mem_contents(u64 addr, u8 *flags, u64 count);

// signals.c: the handler of everything that interrupts a thread.
void sim_signal(int signo, siginfo_t *info, void *context);
