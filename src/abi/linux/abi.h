// SPDX-License-Identifier: BSD-3-Clause
// The Linux ABI as the kernel's own UAPI headers define it (Debian's linux-libc-dev), for freestanding
// code. Never include it together with libc headers.
#pragma once

#include "base/types.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <asm/poll.h>
#include <asm/resource.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/unistd_64.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/wait.h>
#undef BLOCK_SIZE
#undef INR_OPEN_CUR

#ifndef UTIME_NOW // libc's names; the kernel's are in no UAPI header
#define UTIME_NOW ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)
#endif
#ifndef RLIM64_INFINITY
#define RLIM64_INFINITY (~0ull)
#endif

// Results that never reach a program: the signal code turns them into EINTR or a restarted call.
enum {
    ERESTARTSYS = 512,           // restart unless a handler without SA_RESTART ran
    ERESTARTNOINTR = 513,        // always restart
    ERESTARTNOHAND = 514,        // restart only if no handler ran
    ERESTART_RESTARTBLOCK = 516, // likewise, with the deadline in thread->restart_deadline
};

// Is a system call's result one of these?
static inline bool syscall_restarts(long result)
{
    return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK && result != -515;
}
