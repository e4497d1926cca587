// SPDX-License-Identifier: BSD-3-Clause
#include "libos/syscall/dispatch.h"
#include "abi/linux/abi.h"
#include "base/bitmap.h"
#include "trusted/log.h"
#include "libos/fs/fs.h"
#include "libos/mem/heap.h"
#include "libos/mem/limits.h"
#include "libos/thread/thread.h"

static __noinline long unknown(u64 number)
{
    static u64 named[BITMAP_WORDS(1024)];
    if (number < 1024) {
        u64 bit = 1ull << (number % 64);
        if (__atomic_fetch_or(&named[number / 64], bit, __ATOMIC_RELAXED) & bit)
            return -ENOSYS;
    }
    const char *name = number < syscall_table_size && syscall_table[number].name ? syscall_table[number].name : "?";
    log_warn("system call %lu (%s) is not implemented: ENOSYS", number, name);
    return -ENOSYS;
}

static __noinline long traced(const struct syscall_entry *entry, u64 number, const u64 args[6])
{
    log_trace("[%u] %s(%lx, %lx, %lx, %lx, %lx, %lx)", current->tid, entry->name, args[0], args[1], args[2], args[3],
              args[4], args[5]);
    long result = entry->call(args);
    log_trace("[%u] %s = %ld", current->tid, entry->name, result);
    return result;
}

void syscall_dispatch(struct user_regs *regs)
{
    const u64 args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
    u64 number = regs->orig_rax;

    do {
        if (unlikely(number >= syscall_table_size || !syscall_table[number].call))
            regs->rax = (u64)unknown(number);
        else if (unlikely(log_level >= LOG_TRACE))
            regs->rax = (u64)traced(&syscall_table[number], number, args);
        else
            regs->rax = (u64)syscall_table[number].call(args);
        // A restartable call that was interrupted by nothing that concerns this thread simply goes on.
    } while (unlikely(syscall_restarts((long)regs->rax)) && regs->orig_rax == number && !thread_interrupted(current));
    if (unlikely(limits_due))
        limits_tell(current->name, fs_current_pid());
    if (unlikely(READ_ONCE(heap_trim_due)))
        heap_trim();
}
