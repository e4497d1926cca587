// SPDX-License-Identifier: BSD-3-Clause
// The two halves of the bench: platform.c sees libc, machine.c sees the LibOS. README.md tells what the bench is.
#pragma once

#include "base/types.h"

// The bench's ELRANGE begins at 0 like the real one and lies below 2 GiB, where both ASan and TSan have shadow memory.
#define BENCH_USER_START 0x10000000ul
#define BENCH_USER_SIZE MIB(512)
#define BENCH_SLOTS_START 0x40000000ul
#define BENCH_SLOTS 64u
#define BENCH_STACK_SIZE KIB(64)
#define BENCH_ELRANGE 0x70000000ul
#define BENCH_TMPFS_SIZE MIB(32)

// What a run was asked for. Programs read it.
struct bench_options {
    const char *program;   // of bench_programs, started as the first process
    const char *host_path; // temporary folder, mounted at /host
    u64 seed;
    u64 seconds;    // of load
    u64 operations; // at most, of one thread; 0: no limit
    u32 threads;
    u32 lies;            // 1 of so many host calls gets a false answer; 0: none
    const char *without; // calls whose names begin with one of these words (a,b) are left out; NULL: none
    bool invent;         // no host call is served: every answer is made up
    bool native;         // the programs run on Linux itself, to compare
    bool strict;         // TSan: READ_ONCE beside a plain write is a race
    bool verbose;        // every system call is written to stderr
};
extern struct bench_options bench_options;

// --- machine.c, called by platform.c

// The entry at a slot's TCS, as entry.S has it. Comes back by bench_left().
void machine_enter(u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size);
void machine_init(void); // the layout and the measured configuration, before the first entry
bool machine_is_user(u64 addr);
// What the slot's thread does, for the report of a hang: system call number + 1, or 0; counts operations.
// Runs a program as plain C: its system calls are made by Linux. Its result.
int machine_run_native(const char *const *argv);
u64 machine_activity(u64 slot, u64 *ret_operations);

// --- platform.c, called by machine.c

_Noreturn void bench_left(u64 reason, u64 value);
struct ocall_frame;
s64 bench_host_call(u64 number, struct ocall_frame *frame, const u64 arg[8]); // serves a host call, truly or not
// Calls fn(random); true if the LibOS ended the enclave there because the host lied. Then it goes on as if it had not.
struct user_random;
bool bench_refused(void (*fn)(struct user_random *random), struct user_random *random);
_Noreturn void bench_refuse(void); // machine.c: the LibOS ends the enclave
u64 bench_lies_told(void);
bool bench_may_refuse(void);                           // in bench_refused
s64 bench_native_call(long number, const u64 args[6]); // made by Linux itself
void bench_set_gs(u64 base);
_Noreturn void bench_fail(const char *format, ...) __printf_like(1, 2); // the bench found a fault
void bench_print(const char *format, ...) __printf_like(1, 2);
u64 bench_now_ns(void);
void bench_yield(void);
void bench_sleep_us(u32 us);
