// SPDX-License-Identifier: BSD-3-Clause
// The tls page of a thread slot: what %gs points to while its TCS is in the enclave. Read by assembly, so the
// offsets are macros, held to the structure by static_asserts.
#pragma once

#define TLS_SELF 0
#define TLS_STACK_TOP 24
#define TLS_CURRENT 32
#define TLS_GATE 40 // call-gate stubs jump through %gs:TLS_GATE
#define TLS_USER_RSP 48
#define TLS_USER_RIP 56
#define TLS_HOST_RSP 64
#define TLS_HOST_RETURN 72
#define TLS_OCALL_RSP 80
#define TLS_STATE 88
#define TLS_CANARY 96
#define TLS_FS_BASE 104
#define TLS_ARENA 112
#define TLS_ARENA_SIZE 120
#define TLS_HOST_RBP 128
#define TLS_PENDING 136
#define TLS_EXCEPTION_STACK 4096 // stage 1 of exceptions runs on the rest of the page, from its end down

// States of a slot. Every other edge than the ones named is a hostile entry and ends the enclave.
#define SLOT_FREE 0 // -> CLAIMED: thread_create; slot 0 -> RUNNING: the one ECALL_START
#define SLOT_STARTING \
    1 // -> RUNNING: first entry of the host thread (ECALL_THREAD); -> CLAIMED: the host refused to start it
#define SLOT_RUNNING 2  // -> IN_OCALL, -> FREE (thread exit, just before EEXIT)
#define SLOT_IN_OCALL 3 // -> RUNNING: ECALL_RETURN
#define SLOT_CLAIMED 4  // being prepared, the host may not enter: -> STARTING: thread_start; -> FREE: thread_discard

// Entry codes (RDI at EENTER) and exit reasons (RDI at EEXIT), abi/occlum/entry.h.

#define USER_REGS_SIZE 160

#ifndef __ASSEMBLER__

#include "abi/occlum/layout.h"
#include "trusted/lock_class.h"
#include "trusted/regs.h"
#include "trusted/slot_wake.h"

struct thread; // the LibOS's: unknown here

struct tls {
    struct enclave_slot_tls slot;
    struct thread *thread;
    u64 gate_entry;
    u64 user_rsp, user_rip;
    u64 host_rsp, host_return;
    u64 ocall_rsp;
    u64 state;
    u64 canary;
    u64 fs_base;           // the program's: thread_set_fs keeps it
    u64 arena, arena_size; // untrusted memory for host calls
    u64 host_rbp;
    struct slot_wake wake;
#if LOCK_DEBUG
    struct lock_thread locks;
#endif
    u64 stack_low; // EDMM, slots made at run time: the kernel stack is committed from here up; 0: all of it is there
    // Stage 1 leaves the exception here for stage 2.
    u32 exception_info; // EXITINFO
    u32 exception_error;
    u64 exception_addr;
    // First function of a kernel thread; NULL: return to the program.
    void (*start)(void *);
    void *start_arg;
    // Two XSAVE areas: the program's state while the LibOS uses vector registers; the live state during a host call.
    void *vector_area, *vector_ocall_area;
    // Where the time goes, in ticks of the time-stamp counter (ocall_marshal.c); read by other threads as well.
    u64 started;    // the slot was given to its thread
    u64 waited;     // in host calls that wait
    u64 served;     // in the others
    u64 wait_since; // of the one it is waiting in; 0: none
    u64 waits;      // how often it waited
    // A hint for the host that goes along with the next host call (struct ocall_frame); length 0: none.
    u64 augment_addr, augment_len, augment_prot;
    bool augmented; // emm_prefetch_runs took care of what is filled now
};

static_assert(offsetof(struct tls, thread) == TLS_CURRENT);
static_assert(offsetof(struct tls, gate_entry) == TLS_GATE);
static_assert(offsetof(struct tls, user_rsp) == TLS_USER_RSP);
static_assert(offsetof(struct tls, user_rip) == TLS_USER_RIP);
static_assert(offsetof(struct tls, host_rsp) == TLS_HOST_RSP);
static_assert(offsetof(struct tls, host_return) == TLS_HOST_RETURN);
static_assert(offsetof(struct tls, ocall_rsp) == TLS_OCALL_RSP);
static_assert(offsetof(struct tls, state) == TLS_STATE);
static_assert(offsetof(struct tls, canary) == TLS_CANARY);
static_assert(offsetof(struct tls, fs_base) == TLS_FS_BASE);
static_assert(offsetof(struct tls, arena) == TLS_ARENA);
static_assert(offsetof(struct tls, host_rbp) == TLS_HOST_RBP);
static_assert(offsetof(struct enclave_slot_tls, stack_top) == TLS_STACK_TOP);
static_assert(offsetof(struct tls, wake.pending) == TLS_PENDING);
static_assert(sizeof(struct user_regs) == USER_REGS_SIZE);

static inline struct tls *tls_self(void)
{
    struct tls *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}

// The tls page of any slot.
struct tls *tls_of_slot(u64 slot);

#endif
