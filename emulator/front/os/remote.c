// SPDX-License-Identifier: BSD-3-Clause
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

int remote_read(struct task *t, u64 address, void *data, size_t size)
{
    if (pread(t->mm->memory, data, size, (off_t)address) != (ssize_t)size)
        return -EFAULT;
    return 0;
}

int remote_write(struct task *t, u64 address, const void *data, size_t size)
{
    if (pwrite(t->mm->memory, data, size, (off_t)address) != (ssize_t)size)
        return -EFAULT;
    return 0;
}

void remote_get(struct task *t)
{
    if (ptrace(PTRACE_GETREGS, t->tid, NULL, &t->regs) < 0)
        t->dead = true;
}

void remote_put(struct task *t)
{
    if (ptrace(PTRACE_SETREGS, t->tid, NULL, &t->regs) < 0)
        t->dead = true;
}

bool remote_wait(struct task *t, int *ret_status)
{
    int status;
    pid_t tid;
    do
        tid = waitpid(t->tid, &status, __WALL);
    while (tid < 0 && errno == EINTR);
    if (tid < 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
        t->dead = true;
        t->held_status = tid < 0 ? 0 : status;
        return false;
    }
    *ret_status = status;
    return true;
}

// Goes on to the next stop at the border of a system call. Every signal that can be is masked meanwhile.
static bool next_border(struct task *t)
{
    for (;;) {
        int status;
        if (t->dead || ptrace(PTRACE_SYSCALL, t->tid, NULL, NULL) < 0 || !remote_wait(t, &status)) {
            t->dead = true;
            return false;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            return true;
        if (status >> 16 == PTRACE_EVENT_STOP || status >> 16 == PTRACE_EVENT_EXIT)
            continue;
        if (WSTOPSIG(status) == SIGSTOP)
            t->resend_stop = true;
    }
}

static void set_mask(struct task *t, u64 mask) { ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(mask), &mask); }

// A stop before a system call must be left through the end of that (skipped) call first.
static void leave_entry(struct task *t)
{
    if (!t->at_syscall)
        return;
    struct user_regs_struct saved = t->regs;
    t->regs.orig_rax = ~0ull;
    remote_put(t);
    next_border(t);
    t->at_syscall = false;
    t->regs = saved;
}

long remote_call(struct task *t, long nr, const u64 args[6])
{
    u64 mask = 0;
    ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(mask), &mask);
    set_mask(t, ~0ull);
    leave_entry(t);
    struct user_regs_struct saved = t->regs;
    t->regs.rip = t->mm->image + image_symbol("sgx2emu_syscall");
    t->regs.rax = (u64)nr;
    t->regs.orig_rax = ~0ull;
    t->regs.rdi = args[0];
    t->regs.rsi = args[1];
    t->regs.rdx = args[2];
    t->regs.r10 = args[3];
    t->regs.r8 = args[4];
    t->regs.r9 = args[5];
    remote_put(t);
    long result = -ESRCH;
    if (next_border(t) && next_border(t)) {
        remote_get(t);
        result = (long)t->regs.rax;
    }
    t->regs = saved;
    t->regs.orig_rax = ~0ull;
    set_mask(t, mask);
    remote_put(t);
    return result;
}

long remote_finish(struct task *t)
{
    u64 mask = 0;
    ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(mask), &mask);
    set_mask(t, ~0ull);
    remote_put(t);
    t->at_syscall = false;
    if (!next_border(t))
        return -ESRCH;
    remote_get(t);
    set_mask(t, mask);
    t->regs.orig_rax = ~0ull;
    return (long)t->regs.rax;
}

void remote_skip(struct task *t, long result)
{
    t->regs.orig_rax = ~0ull;
    t->regs.rax = (u64)result;
    t->at_syscall = false;
    remote_put(t);
}

void remote_get_xsave(struct task *t)
{
    struct iovec area = { t->xsave, sizeof(t->xsave) };
    memset(t->xsave, 0, sizeof(t->xsave));
    if (ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE, &area) < 0)
        t->dead = true;
    t->xsave_size = area.iov_len;
    t->cpu.xsave = t->xsave;
    t->cpu.xsave_size = (u32)t->xsave_size;
}

void remote_put_xsave(struct task *t)
{
    struct iovec area = { t->xsave, t->xsave_size };
    if (ptrace(PTRACE_SETREGSET, t->tid, NT_X86_XSTATE, &area) < 0)
        trace("%d: the XSAVE state was refused: %s", t->tid, strerror(errno));
}
