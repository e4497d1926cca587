// SPDX-License-Identifier: BSD-3-Clause
// Threads, address spaces and signal tables of the traced programs.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>
#undef PAGE_SIZE // base/types.h has its own
#undef PAGE_MASK

#include "front/os/emu.h"

struct view;

// A mapping of the device file made before ECREATE.
struct early_map {
    struct early_map *next;
    u64 start, size, ino;
    int prot;
};

struct mm {
    u32 refs;
    int memory; // /proc/TID/mem
    struct view *views;
    struct early_map *early;
    u64 image;
    u64 procmem_fds[16]; // descriptors of /proc/PID/mem that have a filter
    bool filtered;
    u64 *patched; // sorted addresses where CPUID became UD2
    size_t patched_count;
};

#define SIGNAL_BIT(sig) (1ull << ((sig)-1))
#define SYNCHRONOUS \
    (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE))
enum { HELD_SIGNALS = 5 };

struct kernel_sigaction {
    u64 handler, flags, restorer, mask;
};

// What a thread group believes its signal actions are (see signals.c).
struct actions {
    u32 refs;
    struct kernel_sigaction told[64];
    u64 known;   // signals whose action in the kernel is not what the program told
    u64 handled; // signals with a handler
};

struct task {
    struct task *next;
    pid_t tid, tgid;
    struct mm *mm;
    struct actions *actions;
    struct user_regs_struct regs;
    bool at_syscall; // stopped before a system call is executed
    bool dead, stopped_early, foreign, resend_stop;
    bool lent;          // stopped for calls on another's behalf
    int stale_fault;    // this signal, which is pending, is of a fault that will come again
    int held_status;    // an event seen while waiting for another one
    u64 hidden_mask;    // synchronous signals the thread believes it has blocked
    u64 held, replayed; // of these: sent and waiting, and sent again by us
    siginfo_t held_info[HELD_SIGNALS];
    struct encl *encl; // while cpu.in_enclave
    struct sgx_cpu cpu;
    u8 xsave[EMU_XSAVE_MAX] __attribute__((aligned(64)));
    size_t xsave_size;
};

struct task *task_find(pid_t tid);
struct task *task_add(pid_t tid);
void task_remove(struct task *t);
void actions_put(struct actions *a);

// cpu/mm.c, which knows what a view is.
struct mm *mm_new(void);
struct mm *mm_copy(const struct mm *mm);
void mm_put(struct mm *mm);
