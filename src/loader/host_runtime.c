// SPDX-License-Identifier: BSD-3-Clause
// Host calls on threads, memory, time and the log. Runs with the program's %fs: see threads.h.
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/ocall_handlers.h"
#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/threads.h"
#include "platform/raw.h"
#include "platform/switches.h"

struct host_shared_page loader_page __attribute__((aligned(4096)));
static const struct platform_ops *platform;
static bool hide_sha;

enum { LEAF_7_EBX_SHA = 1 << 29 };

static void ask_cpu(u32 leaf, u32 subleaf, u32 regs[4])
{
    __cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
    if (hide_sha && leaf == 7 && subleaf == 0)
        regs[1] &= ~(u32)LEAF_7_EBX_SHA;
}

void runtime_init(const struct platform_ops *ops) { platform = ops; }

u32 runtime_cpuid_7_ebx(void)
{
    u32 regs[4];
    hide_sha = switch_is_on("OCCLUM_NO_SHA");
    ask_cpu(7, 0, regs);
    return regs[1];
}

s64 host_thread_start(struct host_thread *self, u64 slot) { return threads_start(self, slot); }
s64 host_park(struct host_thread *self, s64 timeout_ns) { return threads_park(self, timeout_ns); }
s64 host_unpark(struct host_thread *self, u64 slot) { return threads_unpark(slot); }
s64 host_interrupt(struct host_thread *self, u64 slot) { return threads_interrupt(slot); }
s64 host_yield(struct host_thread *self) { return RAW(SYS_sched_yield); }
s64 host_getcpu(struct host_thread *self)
{
    unsigned cpu;
    s64 err = RAW(SYS_getcpu, &cpu, NULL, NULL);
    return err ? err : (s64)cpu;
}

s64 host_set_fs(struct host_thread *self, u64 base) { return threads_set_fs(self, base); }

s64 host_cpuid(struct host_thread *self, u32 leaf, u32 subleaf, u32 *regs, size_t n)
{
    if (n != 4)
        return -EINVAL;
    ask_cpu(leaf, subleaf, regs);
    return 0;
}

s64 host_get_affinity(struct host_thread *self, void *mask, size_t len)
{
    u64 set[HOST_CPU_MASK_BYTES / 8] = { 0 };
    s64 filled = RAW(SYS_sched_getaffinity, 0, sizeof(set), set); // bytes; refused where the kernel's own set is larger
    if (filled < 0)
        return filled;
    size_t n = MIN(len, sizeof(set));
    __builtin_memcpy(mask, set, n);
    return (s64)n;
}

s64 host_mem_protect(struct host_thread *self, u64 addr, u64 len, u32 prot)
{
    return platform->mem_protect(addr, len, prot);
}
s64 host_mem_commit(struct host_thread *self, u64 addr, u64 len)
{
    return platform->mem_commit ? platform->mem_commit(addr, len) : -ENOSYS;
}
s64 host_mem_move(struct host_thread *self, u64 addr, u64 len, u64 from, u32 prot)
{
    return platform->mem_move ? platform->mem_move(addr, len, from, prot) : -ENOSYS;
}
s64 host_mem_contents(struct host_thread *self, u64 addr, void *flags, size_t n)
{
    return platform->mem_contents ? platform->mem_contents(addr, flags, n) : -ENOSYS;
}
s64 host_mem_discard(struct host_thread *self, u64 addr, u64 len) { return platform->mem_discard(addr, len); }
s64 host_edmm_augment(struct host_thread *self, u64 addr, u64 len, u32 prot)
{
    return platform->edmm_augment ? platform->edmm_augment(addr, len, prot) : -ENOSYS;
}

s64 host_augment_runs(struct host_thread *self, const u64 *runs, size_t n)
{
    enum { ALL_ACCESS = 7 };
    s64 err = 0;
    for (size_t i = 0; i + 1 < n && !err; i += 2)
        err = host_edmm_augment(self, runs[i], runs[i + 1], ALL_ACCESS);
    return err;
}

s64 host_edmm_restrict(struct host_thread *self, u64 addr, u64 len, u32 prot)
{
    return platform->edmm_restrict ? platform->edmm_restrict(addr, len, prot) : -ENOSYS;
}

s64 host_edmm_type(struct host_thread *self, u64 addr, u64 len, u32 type)
{
    return platform->edmm_type ? platform->edmm_type(addr, len, type) : -ENOSYS;
}
s64 host_edmm_remove(struct host_thread *self, u64 addr, u64 len)
{
    return platform->edmm_remove ? platform->edmm_remove(addr, len) : -ENOSYS;
}

s64 host_clock_sync(struct host_thread *self)
{
    clock_sync();
    return 0;
}

s64 host_stop_self(struct host_thread *self) { return RAW(SYS_kill, (int)RAW(SYS_getpid), SIGSTOP); }

s64 host_take_signals(struct host_thread *self)
{
    return (s64)__atomic_exchange_n(&loader_page.host_signals, 0, __ATOMIC_SEQ_CST);
}

static s64 write_report(void *unused)
{
    report_write();
    return 0;
}

s64 host_report(struct host_thread *self) { return threads_with_libc(self, write_report, NULL); }

s64 host_log_write(struct host_thread *self, const void *text, size_t len)
{
    return RAW(SYS_write, STDERR_FILENO, text, len);
}
