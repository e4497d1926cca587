// SPDX-License-Identifier: BSD-3-Clause
// What comes up from the trusted runtime besides system calls: faults of the program, and work that waits for a thread
// on its way back to it.
#include "libos/traps.h"

#include "abi/sgx/arch.h"
#include "libos/fs/fs.h"
#include "libos/mem/limits.h"
#include "libos/process/cpuid.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "libos/process/serve.h"
#include "libos/signal/signal.h"
#include "libos/vm/fork.h"
#include "libos/vm/straddle.h"
#include "libos/vm/vm.h"
#include "trusted/exit.h"
#include "trusted/hostmem.h"
#include "trusted/ocall.h"
#include "trusted/ocall_marshal.h"

static u64 signal_word; // untrusted address of host_shared_page.host_signals

void trap_fault(struct user_regs *regs, u32 vector, u32 error, u64 addr)
{
    enum { PF_WRITE = 1 << 1, PF_FETCH = 1 << 4 };

    if (vector == VECTOR_UD && instruction_emulate(regs))
        return;
    if (vector == VECTOR_PF && current->mm) {
        u32 access = error & PF_FETCH ? VM_EXEC : error & PF_WRITE ? VM_WRITE : VM_READ;
        __atomic_store_n(&current->faults, current->faults + 1, __ATOMIC_RELAXED);
        int err = vm_fault(current->mm, addr, access);
        if (!err && access == VM_WRITE)
            err = vm_store_across(regs, addr);
        if (!err)
            return;
        if (limits_due)
            limits_tell(current->name, fs_current_pid());
        if (err == -ESTALE) // a page that is there faults and faults
            enclave_abort(ABORT_HOST_LIE);
        signal_raise_page_fault(regs, addr, error, err);
        return;
    }
    signal_raise_exception(regs, vector, error);
}

int trap_in_stub(u64 rip) { return vm_original_rip(rip) != rip; }

// Signals of the host process wait in the shared page until a thread passes by.
static void take_host_signals(void)
{
    if (likely(!hostmem_read_u64((const void __host *)signal_word)))
        return;
    s64 taken = ocall_take_signals();
    if (taken < 0) // an error is no news
        return;
    u64 mask = (u64)taken;
    if (mask & (1ull << HOST_SIGNAL_REPORT)) {
        report_publish();
        ocall_report();
    }
    if (mask & (1ull << HOST_SIGNAL_REQUEST))
        process_requests_wait();
    if (mask & (1ull << HOST_SIGNAL_END))
        process_kill(process_first, SIGTERM);
    for (int signo = 1; signo < 32; signo++)
        if (mask & (1ull << (signo - 1)))
            signal_from_host(signo);
}

void traps_init(u64 host_signals)
{
    signal_word = host_signals;
    signal_host_hook = take_host_signals;
    ocall_watch_signals(host_signals);
}

int trap_pending(struct user_regs *regs)
{
    bool faulted = thread_take_pending(current, THREAD_FAULT) & THREAD_FAULT;
    bool stub = !faulted && trap_in_stub(regs->rip); // the system call that follows at once comes back here
    if (!stub) {
        if (thread_take_pending(current, THREAD_HOST) & THREAD_HOST)
            take_host_signals();
        thread_pending_hook(regs);
        vm_yield();
    }
    vm_come_back(); // the last that may sleep
    return stub;
}
