// SPDX-License-Identifier: BSD-3-Clause
// The first entry: from the host's start arguments to the first instruction of the program. And the hooks through which
// the trusted runtime reaches the LibOS.
#include "base/string.h"
#include "libos/fs/fs.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/cpuid.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "libos/signal/signal.h"
#include "libos/syscall/dispatch.h"
#include "libos/thread/slots.h"
#include "libos/time/clock_page.h"
#include "libos/time/time.h"
#include "libos/vm/vm.h"
#include "trusted/cpu.h"
#include "trusted/emm.h"
#include "trusted/exit.h"
#include "trusted/hooks.h"
#include "trusted/hostmem.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/ocall_marshal.h"

enum { MAX_STRINGS = 256 << 10 }; // bytes of arguments, and of environment, taken from the host

static u64 host_shared;

// Copies a list of NUL-terminated strings from the host into a NULL-terminated array. NULL when it is malformed or too
// big.
static char **take_strings(u64 addr, u64 size)
{
    if (size > MAX_STRINGS || !hostmem_outside(addr, size))
        return NULL;
    char *text = kmalloc(size + 1);
    if (!text)
        return NULL;
    hostmem_copy_in(text, (const void __host *)addr, size);
    text[size] = '\0';
    size_t count = 0;
    for (u64 i = 0; i < size; i++)
        count += text[i] == '\0';
    char **list = kzalloc((count + 1) * sizeof(char *));
    if (!list)
        return NULL;
    for (size_t i = 0, at = 0; i < count; i++) {
        list[i] = text + at;
        at += strlen(text + at) + 1;
    }
    return list;
}

static _Noreturn void fail(const char *what, long err)
{
    log_printf(LOG_ERROR, "start: %s: error %ld", what, -err);
    enclave_abort(ABORT_START);
}

static void boot(const struct host_start_args __host *host_args)
{
    struct host_start_args args;
    int err;

    hostmem_copy_in(&args, host_args, sizeof(args));
    if (!hostmem_outside(args.shared_page, sizeof(struct host_shared_page)) || !IS_ALIGNED(args.shared_page, 8))
        enclave_abort(ABORT_HOST_POINTER);
    host_shared = args.shared_page;
    time_init(args.shared_page);
    if (args.report && (!hostmem_outside(args.report, sizeof(struct host_report)) || !IS_ALIGNED(args.report, 8)))
        enclave_abort(ABORT_HOST_POINTER);
    report_init(args.report);
    ocall_watch_signals(args.shared_page + offsetof(struct host_shared_page, host_signals));
    const struct occlum_config *config = enclave_config();
    log_level =
        config->flags & OCCLUM_CONFIG_DISABLE_LOG ? LOG_OFF : (enum log_level)MIN(args.log_level, (u64)LOG_TRACE);
    heap_init();
    struct thread *thread = kzalloc(sizeof(*thread)); // freed when it ends, as every thread
    if (!thread)
        enclave_abort(ABORT_START);
    list_init(&thread->siblings);
    slot_adopt(thread);
    emm_start();
    thread->start_ns = (u64)time_monotonic_ns();
    vm_init();
    char **argv = take_strings(args.argv, args.argv_size), **envp = take_strings(args.envp, args.envp_size);
    if (!argv || !argv[0] || !envp)
        fail("arguments or environment too long", -E2BIG);
    err = fs_init(config, (int)MIN(args.image_fd, (u64)OCALL_MAX_FD), args.image_size);
    if (err && fs_volume_failed())
        enclave_refuse(126 << 8, REFUSED_VOLUME);
    if (err == -EIO)
        enclave_abort(ABORT_IMAGE);
    if (err)
        fail("file systems", err);
    err = files_create_initial(args.stdio_flags, &thread->files);
    if (!err)
        err = fs_context_create_initial(&thread->fs);
    if (err)
        fail("standard streams", err);
    report_booted();
    process_boot(config, argv, envp);
}

static void fault(struct user_regs *regs, u32 vector, u32 error, u64 addr)
{
    enum { PF_WRITE = 1 << 1, PF_FETCH = 1 << 4, VECTOR_UD = 6, VECTOR_PF = 14 };

    if (vector == VECTOR_UD && instruction_emulate(regs))
        return;
    if (vector == VECTOR_PF && current->mm) {
        u32 access = error & PF_FETCH ? VM_EXEC : error & PF_WRITE ? VM_WRITE : VM_READ;
        __atomic_store_n(&current->faults, current->faults + 1, __ATOMIC_RELAXED);
        int err = vm_fault(current->mm, addr, access);
        if (!err)
            return;
        if (err == -ESTALE) // a page that is there faults and faults
            enclave_abort(ABORT_HOST_LIE);
        signal_raise_page_fault(regs, addr, error, err);
        return;
    }
    signal_raise_exception(regs, vector, error);
}

static int in_stub(u64 rip) { return vm_original_rip(current->mm, rip) != rip; }

static const struct runtime_hooks libos_hooks = {
    .boot = boot,
    .syscall = syscall_dispatch,
    .fault = fault,
    .in_stub = in_stub,
};
const struct runtime_hooks *const hooks = &libos_hooks;

// Signals of the host process wait in the shared page until a thread passes by.
static void take_host_signals(void)
{
    if (likely(!hostmem_read_u64((const void __host *)(host_shared + offsetof(struct host_shared_page, host_signals)))))
        return;
    s64 taken = ocall_take_signals();
    if (taken < 0) // an error is no news
        return;
    u64 mask = (u64)taken;
    if (mask & (1ull << HOST_SIGNAL_REPORT)) {
        report_publish();
        ocall_report();
    }
    if (mask & (1ull << HOST_SIGNAL_END))
        process_kill(process_first, SIGTERM);
    for (int signo = 1; signo < 32; signo++)
        if (mask & (1ull << (signo - 1)))
            signal_from_host(signo);
}

int thread_run_pending(struct user_regs *regs);
int thread_run_pending(struct user_regs *regs)
{
    bool faulted = thread_take_pending(current, THREAD_FAULT) & THREAD_FAULT;
    if (!faulted && in_stub(regs->rip))
        return 1; // the system call that follows at once comes back here
    if (thread_take_pending(current, THREAD_HOST) & THREAD_HOST)
        take_host_signals();
    thread_pending_hook(regs);
    return 0;
}
