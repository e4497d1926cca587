// SPDX-License-Identifier: BSD-3-Clause
// A program's own `syscall` instruction must not reach the host kernel: it becomes SIGSYS. By Syscall User Dispatch,
// or, on kernels that lack it (before 5.11) and in sandboxes that do not offer it, by a seccomp filter on the
// instruction's address.
#include "platform/sim/dispatch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/switches.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

static bool filtering; // the filter is in place: threads inherit it, and it stays

// Traps where instruction_pointer < end. The filter sees 32 bits at a time; the pointer is that behind the instruction.
static int install_filter(u64 end)
{
    u32 high = (u32)((end - 1) >> 32), low = (u32)(end - 1);
    const u32 at = offsetof(struct seccomp_data, instruction_pointer);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4),      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 2), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, low, 1, 0),  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

    // Without it only a privileged process may filter itself.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    // What the filter slows down is the loader's own system calls: SPEC_ALLOW keeps kernels before 5.16 from more.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) != 0)
        return -errno;
    return 0;
}

int sim_catch_syscalls(u64 end)
{
    if (filtering)
        return 0;
    if (!switch_is_on("OCCLUM_NO_SUD") &&
        prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, end, (1ul << 47) - end, NULL) == 0)
        return 0;
    int err = install_filter(end);
    filtering = !err;
    return err;
}
