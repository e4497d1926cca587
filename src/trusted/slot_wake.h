// SPDX-License-Identifier: BSD-3-Clause
// What others may tell a thread slot: work that is pending, and that it is to wake up. It lies in the slot's tls page,
// which never goes away. So whoever learned of a sleeper under a lock may still wake its slot after the lock is gone
// and the sleeper with it: at worst a thread that took the slot since wakes up for nothing.
#pragma once

#include "base/types.h"

// Work a thread must do before it returns to its program.
enum thread_pending {
    THREAD_SIGNAL = 1 << 0, // a signal may be deliverable: look
    THREAD_EXIT = 1 << 1,   // the thread must end (exit_group, execve of a sibling, fatal signal)
    THREAD_STOP = 1 << 2,
    THREAD_HOST = 1 << 3,  // the host process got a signal: take it
    THREAD_YIELD = 1 << 5, // a relative of the thread's memory wants its turn (vm/family.h)
    THREAD_AWAY = 1 << 6,  // the thread's memory is not in place: it must be before the program goes on
    THREAD_FAULT = 1 << 4, // the instruction at regs->rip cannot go on: its signal is not to wait, whatever code it is
};

// What the owner of a wake list has to ask of the host for a slot on it.
enum slot_call {
    SLOT_CALL_UNPARK = 1 << 0,
    SLOT_CALL_INTERRUPT = 1 << 1,
};

struct slot_wake {
    u32 pending;            // atomic, enum thread_pending; read by gate.S
    u32 park_token;         // atomic: an unpark came
    u32 parked;             // atomic: sleeps in the host, or is about to
    u32 calls;              // atomic, enum slot_call: not 0 while the slot is on a wake list
    u64 asked;              // atomic: when the host was last asked to wake it (cpu_tsc); 0: not since it slept
    struct slot_wake *next; // on that list; written by its owner only
};

// Sets pending bits of a slot. Returns those that were set before.
static inline u32 slot_set_pending(struct slot_wake *slot, u32 bits)
{
    return __atomic_fetch_or(&slot->pending, bits, __ATOMIC_SEQ_CST);
}
