// SPDX-License-Identifier: BSD-3-Clause
// One entry into the enclave until it leaves with a message: asynchronous exits in between are handed to the enclave's
// exception entry, and the interrupted code is resumed.
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "platform/sgx/sgx.h"

enum { BUSY_MAX = 100000 }; // tries to enter a TCS that is in use

static __thread volatile sig_atomic_t entry_asked; // the handler below turned an ERESUME into an EENTER
static __thread struct sgx_enclave_run run;

static _Noreturn void give_up(const char *why, const struct sgx_enclave_run *at)
{
    fprintf(stderr, "occlum: the enclave stopped: %s (vector %u, error %#x, address %#llx)\n", why,
            at->exception_vector, at->exception_error_code, (unsigned long long)at->exception_addr);
    _exit(125);
}

// Without EXINFO the CPU does not tell the enclave of page faults, and the host's word does not count: the program ends
// as by SIGSEGV, without its handlers.
static _Noreturn void unreported_fault(void)
{
    fprintf(stderr,
            "occlum: the program touched memory it may not at %#llx, or the machine ran out of enclave memory. This "
            "CPU does not report\n"
            "page faults to the enclave (no EXINFO), so that handlers for SIGSEGV cannot run and the enclave ends.\n",
            (unsigned long long)run.exception_addr);
    _exit(128 + SIGSEGV);
}

static void count(bool entered, bool left)
{
    __atomic_fetch_add(&platform_counts.eenter, entered, __ATOMIC_RELAXED);
    __atomic_fetch_add(&platform_counts.eexit, left, __ATOMIC_RELAXED);
}

struct enclave_exit sgx_enter_slot(void *thread, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size)
{
    static sgx_enter_function *enter;
    struct sgx_entry entry = {
        .code = code, .arg = arg, .arena = arena, .arena_size = arena_size, .leaf = ENCLU_EENTER, .run = &run
    };

    if (!__atomic_load_n(&enter, __ATOMIC_ACQUIRE)) {
        sgx_enter_function *found = sgx_vdso_enter();
        __atomic_store_n(&enter, found ? found : sgx_own_enter, __ATOMIC_RELEASE);
    }
    entry.enter = enter;
    const u64 given = code;
    unsigned busy = 0;
    for (;;) {
        run = (struct sgx_enclave_run){ .tcs = sgx_layout.slots_start + slot * sgx_layout.slot_stride };
        bool handling = entry.leaf == ENCLU_EENTER && code == 0, first = entry.leaf == ENCLU_EENTER && code != 0;
        sgx_enter(&entry);
        count(entry.leaf == ENCLU_EENTER, run.function == ENCLU_EEXIT);
        bool asked = entry_asked;
        entry_asked = 0;
        code = entry.code = 0; // from now on entries are for exceptions
        if (entry.result != 0)
            give_up(strerror((int)-entry.result), &run);
        if (run.function == ENCLU_EEXIT) {
            if (entry.reason != EXIT_RESUME)
                return (struct enclave_exit){ entry.reason, entry.value };
            entry.leaf = ENCLU_ERESUME;
        } else if (run.function == ENCLU_EENTER && asked && run.exception_vector == VECTOR_GP) {
            entry.leaf = ENCLU_ERESUME; // all SSA frames are in use: the exception entry itself was interrupted
        } else if (first && run.exception_vector == VECTOR_GP && busy++ < BUSY_MAX) {
            sched_yield(); // the thread that had this TCS has given its slot up and is just leaving
            code = entry.code = given;
        } else if (run.function == ENCLU_EENTER) {
            give_up(handling ? "an exception inside its exception entry" : "EENTER failed", &run);
        } else if (run.exception_vector == VECTOR_PF && !sgx_exinfo) {
            unreported_fault();
        } else {
            entry.leaf = ENCLU_EENTER;
        }
    }
}

// An AEX leaves ERESUME in RAX and the AEP, which it continues at, in RCX (SDM 38.3.1). So does a system call that
// returns 3, of which RCX is the address behind the instruction; nothing else. The AEP is an ENCLU and nothing in its
// registers is the thread's own: a signal there can make an entry of the resume.
static bool at_aep(const greg_t *r)
{
    if ((u64)r[REG_RIP] < sgx_layout.elrange_size || (u64)r[REG_RAX] != ENCLU_ERESUME || r[REG_RCX] != r[REG_RIP])
        return false;
    const u8 *before = (const u8 *)r[REG_RIP] - 2;
    return before[0] != 0x0f || before[1] != 0x05;
}

// The interrupt signal: a thread inside the enclave comes to its exception entry.
static void on_interrupt(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)signo;
    (void)info;
    if (at_aep(r)) {
        r[REG_RAX] = ENCLU_EENTER;
        count(true, false);
        entry_asked = 1;
    }
}

// Faults of the page toucher, and exceptions of the enclave where the vDSO does not catch them.
static void on_fault(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)info;
    if ((u64)r[REG_RIP] == (u64)(uintptr_t)sgx_touch_load) {
        r[REG_RIP] = (greg_t)(uintptr_t)sgx_touch_failed;
        return;
    }
    if ((u64)r[REG_RIP] == (u64)(uintptr_t)sgx_own_aep) {
        run.exception_vector = signo == SIGBUS ? VECTOR_PF : (u16)r[REG_TRAPNO];
        run.exception_error_code = (u16)r[REG_ERR];
        run.exception_addr = (u64)r[REG_CR2];
        r[REG_RIP] = (greg_t)(uintptr_t)sgx_own_exception;
        return;
    }
    signal(signo, SIG_DFL); // a fault of the loader: it comes again and ends the process
}

int sgx_install_handlers(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    struct sigaction interrupt = { .sa_sigaction = on_interrupt, .sa_flags = SA_SIGINFO };
    struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

    if (sigaction(platform_interrupt_signal(), &interrupt, NULL) != 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        if (sigaction(faults[i], &fault, NULL) != 0)
            return -errno;
    return 0;
}
