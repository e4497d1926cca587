// SPDX-License-Identifier: BSD-3-Clause
// Host calls on threads, memory, time and the log.
#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/host_signals.h"
#include "loader/ocall_handlers.h"
#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/threads.h"

static const struct platform_ops *platform;

void runtime_set_platform(const struct platform_ops *ops) { platform = ops; }

s64 host_exit(int status) { _exit(status); }
s64 host_thread_start(u64 slot) { return threads_start(slot); }
s64 host_park(s64 timeout_ns) { return threads_park(timeout_ns); }
s64 host_unpark(u64 slot) { return threads_unpark(slot); }
s64 host_interrupt(u64 slot) { return threads_interrupt(slot); }
s64 host_yield(void) { return sched_yield(); }
s64 host_getcpu(void) { return sched_getcpu(); }

s64 host_cpuid(u32 leaf, u32 subleaf, u32 *regs, size_t n)
{
    if (n != 4)
        return -EINVAL;
    __cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
    return 0;
}

s64 host_get_affinity(void *mask, size_t len)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return -errno;
    size_t n = len < sizeof(set) ? len : sizeof(set);
    memcpy(mask, &set, n);
    return (s64)n;
}

s64 host_mem_protect(u64 addr, u64 len, u32 prot) { return platform->mem_protect(addr, len, prot); }
s64 host_mem_commit(u64 addr, u64 len) { return platform->mem_commit ? platform->mem_commit(addr, len) : -ENOSYS; }
s64 host_mem_move(u64 addr, u64 len, u64 from, u32 prot)
{
    return platform->mem_move ? platform->mem_move(addr, len, from, prot) : -ENOSYS;
}
s64 host_mem_discard(u64 addr, u64 len) { return platform->mem_discard(addr, len); }
s64 host_edmm_augment(u64 addr, u64 len, u32 prot)
{
    return platform->edmm_augment ? platform->edmm_augment(addr, len, prot) : -ENOSYS;
}

s64 host_edmm_restrict(u64 addr, u64 len, u32 prot)
{
    return platform->edmm_restrict ? platform->edmm_restrict(addr, len, prot) : -ENOSYS;
}

s64 host_edmm_type(u64 addr, u64 len, u32 type)
{
    return platform->edmm_type ? platform->edmm_type(addr, len, type) : -ENOSYS;
}
s64 host_edmm_remove(u64 addr, u64 len) { return platform->edmm_remove ? platform->edmm_remove(addr, len) : -ENOSYS; }

s64 host_clock_sync(void)
{
    clock_sync();
    return 0;
}

s64 host_take_signals(void) { return host_signals_take(); }

s64 host_report(void)
{
    report_write();
    return 0;
}

s64 host_log_write(const void *text, size_t len)
{
    ssize_t n = write(STDERR_FILENO, text, len);
    return n < 0 ? -errno : n;
}
