// SPDX-License-Identifier: BSD-3-Clause
// sigaltstack(2) and frames.
#include "surface.h"

#include <setjmp.h>
#include <ucontext.h>

static char stack[65536];
static volatile int on_it;
static void where(int signo)
{
    char here;
    stack_t now;
    on_it = &here >= stack && &here < stack + sizeof(stack);
    sigaltstack(NULL, &now);
    tell("flags %x", now.ss_flags);
}
static void set(int signo, void *handler, int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(signo, &a, NULL);
}
static void off(void)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
}
CASE(arguments)
{
    stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
    SEE(sigaltstack((void *)bad, NULL));
    SEE(sigaltstack(NULL, (void *)bad));
    SEE(sigaltstack(NULL, NULL));
    SEE(sigaltstack(NULL, &old));
    tell("sp %p size %zu flags %x", old.ss_sp, old.ss_size, old.ss_flags);
    s.ss_size = 2047;
    SEE(sigaltstack(&s, NULL));
    s.ss_size = 0;
    SEE(sigaltstack(&s, NULL));
    s.ss_size = sizeof(stack);
    for (int flags = 1; flags < 6; flags++) {
        s.ss_flags = flags;
        errno = 0;
        long r = syscall(SYS_sigaltstack, &s, NULL);
        tell("flags %d: %ld %s", flags, r, r ? strerrorname_np(errno) : "");
    }
    s.ss_flags = SS_ONSTACK;
    SEE(sigaltstack(&s, NULL));
    SEE(sigaltstack(NULL, &old));
    tell("sp %d size %zu flags %x", old.ss_sp == stack, old.ss_size, old.ss_flags);
    s.ss_flags = SS_DISABLE;
    SEE(sigaltstack(&s, &old));
    SEE(sigaltstack(NULL, &old));
    tell("sp %p size %zu flags %x", old.ss_sp, old.ss_size, old.ss_flags);
    off();
}
CASE(used_when_asked)
{
    stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) };
    sigaltstack(&s, NULL);
    set(SIGUSR1, where, 0);
    raise(SIGUSR1);
    tell("on it %d", on_it);
    set(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    tell("on it %d", on_it);
    off();
}
static void changes_it(int signo)
{
    stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }, none = { .ss_flags = SS_DISABLE };
    SEE(sigaltstack(&none, NULL));
    SEE(sigaltstack(&s, NULL));
}
CASE(not_changed_while_used)
{
    stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) };
    sigaltstack(&s, NULL);
    set(SIGUSR1, changes_it, SA_ONSTACK);
    raise(SIGUSR1);
    off();
}
CASE(disarmed_while_used)
{
    stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack), .ss_flags = 1u << 31 }, old;
    SEE(sigaltstack(&s, NULL));
    SEE(sigaltstack(NULL, &old));
    tell("flags %x", old.ss_flags);
    set(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    tell("on it %d", on_it);
    SEE(sigaltstack(NULL, &old));
    tell("flags %x size %zu", old.ss_flags, old.ss_size);
    set(SIGUSR1, changes_it, SA_ONSTACK);
    raise(SIGUSR1);
    off();
}
static void overflow(void)
{
    stack_t s = { .ss_sp = stack, .ss_size = 16 };
    SEE(sigaltstack(&s, NULL));
    s.ss_size = sizeof(stack);
    s.ss_sp = bad;
    SEE(sigaltstack(&s, NULL));
    set(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
}
CASE(stack_without_memory) { tell("%s", status_text(in_child(overflow))); }
static sigjmp_buf back;
static void jump(int signo) { siglongjmp(back, signo); }
CASE(fault_and_jump)
{
    set(SIGSEGV, jump, 0);
    for (volatile int i = 0; i < 3; i++) {
        int signo = sigsetjmp(back, 1);
        if (!signo)
            *(volatile char *)bad = 1;
        tell("signal %d", signo);
    }
    off();
}
static void fault_info(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    tell("signo %d code %d address %d trap %d error %d", signo, info->si_code,
         (char *)info->si_addr == bad || !info->si_addr, (int)uc->uc_mcontext.gregs[REG_TRAPNO],
         (int)uc->uc_mcontext.gregs[REG_ERR] & 7);
    siglongjmp(back, signo);
}
static void with_info(int signo)
{
    struct sigaction a = { .sa_sigaction = fault_info, .sa_flags = SA_SIGINFO };
    sigaction(signo, &a, NULL);
}
CASE(faults_described)
{
    with_info(SIGSEGV);
    with_info(SIGFPE);
    with_info(SIGILL);
    with_info(SIGTRAP);
    volatile int zero = 0;
    if (!sigsetjmp(back, 1))
        *(volatile char *)bad;
    if (!sigsetjmp(back, 1))
        *(volatile char *)bad = 1;
    if (!sigsetjmp(back, 1))
        *(volatile char *)NULL = 1;
    if (!sigsetjmp(back, 1))
        *(volatile char *)0x8000000000000000 = 1;
    signal(SIGSEGV, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
}
static void number_of(int signo, siginfo_t *info, void *context)
{
    tell("signo %d code %d", signo, info->si_code);
    siglongjmp(back, signo);
}
CASE(instructions_that_trap)
{
    const int signals[] = { SIGFPE, SIGILL, SIGTRAP, SIGSEGV };
    struct sigaction a = { .sa_sigaction = number_of, .sa_flags = SA_SIGINFO };
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &a, NULL);
    if (!sigsetjmp(back, 1))
        asm volatile("xorl %%edx, %%edx; movl $1, %%eax; xorl %%ecx, %%ecx; divl %%ecx" ::: "eax", "ecx", "edx");
    if (!sigsetjmp(back, 1))
        asm volatile("ud2");
    if (!sigsetjmp(back, 1))
        asm volatile("hlt");
    if (!sigsetjmp(back, 1))
        asm volatile("cli");
    for (int i = 0; i < 4; i++)
        signal(signals[i], SIG_DFL);
}
static void faults_blocked(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    set.__val[0] = 0;
    *(volatile char *)bad = 1;
}
CASE(fault_while_blocked) { tell("%s", status_text(in_child(faults_blocked))); }
static void faults_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    *(volatile char *)bad = 1;
}
CASE(fault_while_ignored) { tell("%s", status_text(in_child(faults_ignored))); }
static void change_context(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    sigaddset(&uc->uc_sigmask, SIGHUP);
    sigaddset(&uc->uc_sigmask, SIGKILL);
    uc->uc_mcontext.gregs[REG_RBX] = 0x1234;
}
CASE(context_is_taken_back)
{
    struct sigaction a = { .sa_sigaction = change_context, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &a, NULL);
    long pid = getpid(), got, ret = SYS_kill;
    asm volatile("xorl %%ebx, %%ebx; syscall; movq %%rbx, %0"
                 : "=r"(got), "+a"(ret)
                 : "D"(pid), "S"(SIGUSR1)
                 : "rbx", "rcx", "r11", "memory");
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    tell("rbx %lx HUP %d KILL %d", got, sigismember(&set, SIGHUP), sigismember(&set, SIGKILL));
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    off();
}
