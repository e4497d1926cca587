// SPDX-License-Identifier: BSD-3-Clause
// The supervisor's event loop.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/cpu/enclu.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/patch.h"
#include "front/driver/life.h"
#include "front/front.h"
#include "front/loop.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"
#include "front/os/signals.h"
#include "front/os/task.h"

enum { FOLLOW_EVERY = 64 };

static void resume(struct task *t, int sig)
{
    if (t->resend_stop) {
        t->resend_stop = false;
        syscall(SYS_tgkill, t->tgid, t->tid, SIGSTOP);
    }
    ptrace(PTRACE_CONT, t->tid, NULL, sig);
}

static void adopt(struct task *parent, pid_t tid, u64 flags)
{
    struct task *t = task_find(tid);
    bool waiting = t && t->stopped_early;
    if (!t)
        t = task_add(tid);
    if (flags & CLONE_THREAD)
        t->tgid = parent->tgid;
    t->foreign = parent->foreign;
    t->hidden_mask = parent->hidden_mask;
    if (flags & CLONE_VM) {
        t->mm = parent->mm;
        t->mm->refs++;
    } else {
        char path[64];
        t->mm = mm_copy(parent->mm);
        snprintf(path, sizeof(path), "/proc/%d/mem", tid);
        t->mm->memory = open(path, O_RDWR | O_CLOEXEC);
    }
    if (flags & CLONE_SIGHAND) {
        t->actions = parent->actions;
        t->actions->refs++;
    } else {
        t->actions = malloc(sizeof(*t->actions));
        if (!t->actions)
            abort();
        *t->actions = *parent->actions;
        t->actions->refs = 1;
    }
    t->stopped_early = false;
    if (waiting)
        resume(t, 0);
}

static void on_clone(struct task *t, int event)
{
    unsigned long tid = 0;
    u64 flags = 0;
    ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &tid);
    remote_get(t);
    if (t->regs.orig_rax == SYS_clone)
        flags = t->regs.rdi;
    else if (t->regs.orig_rax == SYS_clone3)
        (void)!remote_read(t, t->regs.rdi, &flags, 8);
    else if (event == PTRACE_EVENT_VFORK)
        flags = CLONE_VM;
    adopt(t, (pid_t)tid, flags);
    resume(t, 0);
}

// The end of the last thread of an address space may end enclaves.
static void ended(struct task *t)
{
    bool last = t->mm && t->mm->refs == 1;
    task_remove(t);
    if (last)
        encl_collect();
}

static void on_exec(struct task *t)
{
    for (struct task *other = emu.tasks, *next; other; other = next) {
        next = other->next;
        if (other != t && other->tgid == t->tgid)
            ended(other);
    }
    if (t->cpu.in_enclave)
        sgx_abandon(&emu.model, &t->cpu);
    memset(&t->cpu, 0, sizeof(t->cpu));
    mm_put(t->mm);
    t->mm = mm_new();
    u64 known = t->actions->known; // handlers are gone, ignored signals stay so
    struct actions *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->refs = 1;
    for (int i = 0; i < 64; i++)
        if ((known & (1ull << i)) && t->actions->told[i].handler == (u64)(uintptr_t)SIG_IGN) {
            a->told[i] = t->actions->told[i];
            a->known |= 1ull << i;
        }
    actions_put(t->actions);
    t->actions = a;
    t->at_syscall = false;
    encl_collect();
    int status;
    ptrace(PTRACE_SYSCALL, t->tid, NULL, NULL); // execve has still to return
    if (!remote_wait(t, &status))
        return;
    int ret = image_install(t);
    if (ret < 0) {
        fprintf(stderr,
                "sgx2emu: this system's ptrace does not let the emulator map memory into its program (%s); gVisor's is "
                "such. What helps: to run outside of that sandbox\n",
                strerror(-ret));
        exit(125); // the program ends with its tracer
    }
    if (!t->foreign)
        cpuid_patch_loaded(t);
    resume(t, 0);
}

static u32 vector_of(const siginfo_t *info)
{
    switch (info->si_signo) {
    case SIGILL:
        return SGX_UD;
    case SIGTRAP:
        return info->si_code == SI_KERNEL || info->si_code == TRAP_BRKPT ? SGX_BP : SGX_DB;
    case SIGFPE:
        return info->si_code == FPE_INTDIV ? 0 : 19;
    default:
        return 17;
    }
}

// True if the program is not to see the signal.
static bool on_trap(struct task *t, siginfo_t *info)
{
    if (info->si_signo == SIGTRAP && info->si_code == SI_KERNEL && patched_at(t, t->regs.rip - 1)) {
        t->regs.rip--;
        *info = (siginfo_t){ .si_signo = SIGILL, .si_code = ILL_ILLOPN }; // what ENCLU gives should the leaf fail
        info->si_addr = (void *)(uintptr_t)t->regs.rip;
        return on_enclu(t, info);
    }
    bool handled;
    if (info->si_signo == SIGTRAP && info->si_code == SI_KERNEL && fsgsbase_on_int3(t, info, &handled))
        return handled;
    if (info->si_signo == SIGILL) {
        if (cpuid_emulate(t))
            return true;
        if (at_enclu(t))
            return on_enclu(t, info);
    }
    if (info->si_signo == SIGSEGV || (info->si_signo == SIGBUS && info->si_code != BUS_ADRALN))
        return on_fault(t, info);
    if (!t->cpu.in_enclave)
        return false;
    u32 vector = vector_of(info);
    if (vector == SGX_BP)
        t->regs.rip--; // a fault inside an enclave (SDM 40.2)
    return deliver_exception(t, vector, 0, 0, info);
}

static void deliver(struct task *t, int sig)
{
    if (!signal_needs_frame(t, sig))
        resume(t, sig);
    else if (signal_enter(t, sig))
        resume(t, 0);
}

static void on_signal(struct task *t, int sig)
{
    siginfo_t info;
    bool sync = sig == SIGILL || sig == SIGSEGV || sig == SIGBUS || sig == SIGTRAP || sig == SIGFPE;
    if (t->foreign)
        return resume(t, sig);
    if (!sync && !t->cpu.in_enclave)
        return deliver(t, sig);
    if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info) < 0)
        return resume(t, sig);
    remote_get(t);
    if (sync && info.si_code > 0 && t->stale_fault == sig) {
        t->stale_fault = 0;
        return resume(t, 0);
    }
    if (sync && info.si_code > 0) {
        if (on_trap(t, &info))
            return t->dead ? (void)0 : resume(t, 0);
        signal_force(t, info.si_signo);
        return deliver(t, info.si_signo);
    }
    if (sync && (signal_held(t, sig, &info) || signal_told_ignored(t, sig)))
        return resume(t, 0);
    if (t->cpu.in_enclave)
        enclave_exit_async(t, SGX_AEX_INTERRUPT, 0, 0);
    deliver(t, sig);
}

static void on_stop(struct task *t, int status)
{
    int event = status >> 16, sig = WSTOPSIG(status);
    switch (event) {
    case 0:
        if (sig == (SIGTRAP | 0x80))
            return resume(t, 0);
        return on_signal(t, sig);
    case PTRACE_EVENT_SECCOMP:
        if (t->foreign)
            return resume(t, 0);
        remote_get(t);
        t->at_syscall = true;
        on_syscall(t);
        t->at_syscall = false;
        return t->dead ? (void)0 : resume(t, 0);
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
        return on_clone(t, event);
    case PTRACE_EVENT_EXEC:
        return on_exec(t);
    case PTRACE_EVENT_STOP:
        if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
            ptrace(PTRACE_LISTEN, t->tid, NULL, NULL);
            return;
        }
        return resume(t, 0);
    default:
        return resume(t, 0);
    }
}

// A wake-up across cores costs several times one on the same core: the supervisor follows the thread it serves.
static void follow(pid_t tid)
{
    static u32 countdown;
    static int here = -1;
    if (countdown--)
        return;
    countdown = FOLLOW_EVERY - 1;
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = 0;
    const char *field = strrchr(text, ')'); // field 2; the processor is field 39
    for (int i = 2; field && i < 39; i++)
        field = strchr(field + 1, ' ');
    int cpu = field ? atoi(field) : here;
    if (cpu == here || cpu < 0 || cpu >= CPU_SETSIZE)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) == 0)
        here = cpu;
}

static void on_wait(pid_t tid, int status, pid_t root, int *root_status)
{
    struct task *t = task_find(tid);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (tid == root)
            *root_status = status;
        if (t)
            ended(t);
        return;
    }
    if (!t)
        t = task_add(tid);
    if (!t->mm) { // its parent's event comes later
        t->stopped_early = true;
        return;
    }
    on_stop(t, status);
}

static struct task *next_held(void)
{
    struct task *t = emu.tasks;
    while (t && !t->held_status)
        t = t->next;
    return t;
}

int loop_run(pid_t root)
{
    int root_status = 0;
    for (;;) {
        struct task *held = next_held();
        int status;
        pid_t tid;
        if (held) {
            tid = held->tid;
            status = held->held_status;
            held->held_status = 0;
        } else {
            tid = waitpid(-1, &status, __WALL);
        }
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            return root_status;
        follow(tid);
        on_wait(tid, status, root, &root_status);
        for (struct task *t = emu.tasks, *next; t; t = next) {
            next = t->next;
            if (t->dead && !t->held_status)
                ended(t);
        }
    }
}
