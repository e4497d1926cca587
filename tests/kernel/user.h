// SPDX-License-Identifier: BSD-3-Clause
// What the bench's programs are written in: C functions that make system calls and touch user memory as a program
// would. They run on threads of the LibOS, or with --native on Linux itself.
#pragma once

#include "abi/linux/abi.h"
#include "bench.h"

typedef u64 user_addr; // of memory that the program mapped

// A program: /bin/NAME of the bench's root. argc and argv as execve left them on the stack (kernel copies).
struct bench_program {
    const char *name;
    int (*main)(int argc, char **argv);
};
extern const struct bench_program *const bench_programs[];

// A system call with the registers of the ABI. Signals are delivered before it returns. -errno in the result.
long os(long number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
#define OS_ARGS(number, a, b, c, d, e, f, ...) os(number, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))
#define os_call(...) OS_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

// Loads and stores of the program: they fault as instructions do.
void user_write(user_addr to, const void *from, size_t size);
void user_read(void *to, user_addr from, size_t size);
u32 user_load32(user_addr at);
u32 user_exchange32(user_addr at, u32 value); // in one step; the old value
static inline void user_store32(user_addr at, u32 value) { (void)user_exchange32(at, value); }

// Handlers of signals are functions with numbers: user_handler() gives the address that rt_sigaction takes.
typedef void (*user_signal_fn)(int signo, user_addr info, user_addr context);
u64 user_handler(user_signal_fn fn);
long user_sigaction(int signo, user_signal_fn fn, u64 flags); // fn NULL: the default

// clone(2): fn(arg) runs on the new thread with its own stack and its result is the exit status. flags as clone's, with
// the exit signal. child_tid: address for CLONE_CHILD_CLEARTID and the like.
long user_clone(u64 flags, int (*fn)(u64 arg), u64 arg, user_addr stack_top, user_addr child_tid);
long user_execve(const char *path, const char *const *argv); // strings are copied to the user's stack
_Noreturn void user_exit(int status);                        // exit(2)

// A piece of user memory for strings and buffers of the calling thread; user_string writes there and returns where.
void user_scratch_set(user_addr base, size_t size);
user_addr user_scratch(size_t size);
user_addr user_string(const char *text);
void user_scratch_reset(void);

// Numbers of one thread, reproducible.
struct user_random {
    u64 state;
};
u64 random_next(struct user_random *random);
static inline u64 random_below(struct user_random *random, u64 n) { return random_next(random) % n; }

#define USER_CHECK(cond)                                        \
    do {                                                        \
        if (!(cond))                                            \
            bench_fail("%s:%d: %s", __FILE__, __LINE__, #cond); \
    } while (0)
#define USER_CHECK_EQ(a, b)                                                                           \
    do {                                                                                              \
        long check_a = (long)(a), check_b = (long)(b);                                                \
        if (check_a != check_b)                                                                       \
            bench_fail("%s:%d: %s == %s: %ld and %ld", __FILE__, __LINE__, #a, #b, check_a, check_b); \
    } while (0)
