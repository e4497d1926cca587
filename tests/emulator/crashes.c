// SPDX-License-Identifier: BSD-3-Clause
// Deaths, handlers, masks and waits that a tracer could spoil. One case a run, by name; output and status are compared
// with a run without the emulator. Without a name: the names.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

extern char **environ;
static sigjmp_buf back;
static volatile sig_atomic_t count;

static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };
    sigaction(sig, &action, NULL);
}

static void say(int sig, siginfo_t *info, void *context)
{
    (void)context;
    char line[80];
    int size = snprintf(line, sizeof(line), "signal %d code %d\n", sig, info->si_code);
    if (write(1, line, (size_t)size) < 0)
        _exit(1);
    count++;
}

static void jump(int sig, siginfo_t *info, void *context)
{
    say(sig, info, context);
    printf("address %#lx\n", (unsigned long)(uintptr_t)info->si_addr & 0xfff);
    siglongjmp(back, 1);
}

static void mask_one(int how, int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, NULL);
}

static void show_mask(const char *what)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("%s:", what);
    for (int sig = 1; sig < 32; sig++)
        if (sigismember(&set, sig))
            printf(" %d", sig);
    printf("\n");
}

static void ud2(void) { __asm__ volatile("ud2"); }

static void read_at(uintptr_t address) { __asm__ volatile("movb (%0), %%al" ::"r"(address) : "rax"); }

static int die_segv(void)
{
    read_at(8);
    return 0;
}

static int die_abort(void) { abort(); }

static int die_divide(void)
{
    __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cdq; idiv %%ecx" ::: "rax", "rcx", "rdx");
    return 0;
}

static int die_trap(void)
{
    __asm__ volatile("int3");
    return 0;
}

static int die_general_protection(void)
{
    __asm__ volatile("movb (%0), %%al" ::"r"(0x8000000000000000) : "rax");
    return 0;
}

static int die_hlt(void)
{
    __asm__ volatile("hlt");
    return 0;
}

static int die_bus(void)
{
    char name[] = "/tmp/emulator-bus-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    read_at((uintptr_t)p);
    return 0;
}

static void *fault_in_thread(void *argument)
{
    read_at(16);
    return argument;
}

static int die_in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fault_in_thread, NULL);
    pthread_join(thread, NULL);
    return 0;
}

static int die_blocked_segv(void)
{
    on(SIGSEGV, say, 0);
    mask_one(SIG_BLOCK, SIGSEGV);
    read_at(8);
    return 0;
}

static int die_ignored_ill(void)
{
    signal(SIGILL, SIG_IGN);
    ud2();
    return 0;
}

static int die_second_time(void)
{
    on(SIGILL, say, (int)SA_RESETHAND);
    ud2();
    return 0;
}

static void fault_again(int sig, siginfo_t *info, void *context)
{
    say(sig, info, context);
    if (count > 3)
        _exit(44);
    ud2();
}

static int die_in_handler(void)
{
    on(SIGILL, fault_again, 0);
    ud2();
    return 0;
}

static int fault_in_handler_nodefer(void)
{
    on(SIGILL, fault_again, SA_NODEFER);
    ud2();
    return 0;
}

static int segv_codes(void)
{
    on(SIGSEGV, jump, 0);
    char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!sigsetjmp(back, 1))
        read_at((uintptr_t)p + 0x123);
    if (!sigsetjmp(back, 1))
        read_at(0x456);
    if (!sigsetjmp(back, 1))
        die_general_protection();
    show_mask("mask");
    return 0;
}

static void skip(int sig, siginfo_t *info, void *context)
{
    say(sig, info, context);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static int skip_ud2(void)
{
    on(SIGILL, skip, 0);
    for (int i = 0; i < 5; i++)
        ud2();
    show_mask("mask");
    return (int)count;
}

static int breakpoints(void)
{
    on(SIGTRAP, say, 0);
    for (int i = 0; i < 5; i++)
        die_trap();
    return (int)count;
}

static int raise_pending(void)
{
    int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGUSR1 };
    sigset_t pending;
    for (int i = 0; i < 6; i++) {
        on(signals[i], say, 0);
        mask_one(SIG_BLOCK, signals[i]);
        raise(signals[i]);
        sigpending(&pending);
        printf("pending %d\n", sigismember(&pending, signals[i]));
        mask_one(SIG_UNBLOCK, signals[i]);
        printf("unblocked\n");
    }
    return 0;
}

static void show_mask_inside(int sig, siginfo_t *info, void *context)
{
    say(sig, info, context);
    show_mask("in the handler");
    printf("interrupted: %d\n", sigismember(&((ucontext_t *)context)->uc_sigmask, SIGTRAP));
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static int mask_in_handler(void)
{
    struct sigaction action = { .sa_sigaction = show_mask_inside, .sa_flags = SA_SIGINFO };
    sigaddset(&action.sa_mask, SIGSEGV);
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGILL, &action, NULL);
    mask_one(SIG_BLOCK, SIGTRAP);
    ud2();
    show_mask("after it");
    return 0;
}

static int raise_in_handler_of_another(void)
{
    struct sigaction action = { .sa_sigaction = say, .sa_flags = SA_SIGINFO };
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    on(SIGSEGV, say, 0);
    mask_one(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    mask_one(SIG_UNBLOCK, SIGUSR1);
    raise(SIGSEGV);
    return (int)count;
}

static int wait_for_blocked(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGSEGV);
    siginfo_t info;
    printf("%d", sigwaitinfo(&set, &info));
    printf(" code %d\n", info.si_code);
    raise(SIGUSR1);
    printf("%d\n", sigwaitinfo(&set, &info));
    return 0;
}

static int overflow(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return depth ? overflow(depth + 1) + room[0] : 0;
}

static void leave_now(int sig, siginfo_t *info, void *context)
{
    say(sig, info, context);
    _exit(12);
}

static int stack_overflow(void)
{
    static char room[65536];
    stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
    struct rlimit limit = { 1 << 20, 1 << 20 };
    setrlimit(RLIMIT_STACK, &limit);
    sigaltstack(&stack, NULL);
    on(SIGSEGV, leave_now, SA_ONSTACK);
    return overflow(1);
}

static int child_dies(void)
{
    on(SIGSEGV, say, 0);
    for (int i = 0; i < 4; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            if (i == 0)
                die_segv();
            if (i == 1)
                ud2();
            if (i == 2)
                die_trap();
            kill(getpid(), SIGKILL);
        }
        int status;
        waitpid(child, &status, 0);
        printf("status %#x\n", status & 0x7f);
    }
    return 0;
}

static int stopped_child(void)
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        raise(SIGSTOP);
        _exit(6);
    }
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("exit %d\n", WEXITSTATUS(status));
    return 0;
}

static int spawned(void)
{
    char *argv[] = { "sh", "-c", "kill -SEGV $$", NULL };
    pid_t child;
    int status = -1;
    if (posix_spawnp(&child, "sh", NULL, NULL, argv, environ) == 0)
        waitpid(child, &status, 0);
    printf("%#x\n", status & 0x7f);
    return system("kill -ILL $$") & 0x7f;
}

static int timers(void)
{
    on(SIGALRM, say, 0);
    struct itimerval timer = { { 0, 0 }, { 0, 20000 } };
    struct timespec long_sleep = { 10, 0 };
    setitimer(ITIMER_REAL, &timer, NULL);
    printf("nanosleep %d\n", nanosleep(&long_sleep, NULL) < 0 ? errno : 0);
    setitimer(ITIMER_REAL, &timer, NULL);
    printf("pause %d\n", pause() < 0 ? errno : 0);
    int ends[2];
    char byte;
    if (pipe(ends))
        return 1;
    setitimer(ITIMER_REAL, &timer, NULL);
    printf("read %d\n", read(ends[0], &byte, 1) < 0 ? errno : 0);
    return 0;
}

static int suspended(void)
{
    on(SIGUSR1, say, 0);
    mask_one(SIG_BLOCK, SIGUSR1);
    mask_one(SIG_BLOCK, SIGILL);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
    show_mask("after sigsuspend");
    raise(SIGUSR1);
    struct timespec second = { 1, 0 };
    printf("ppoll %d\n", ppoll(NULL, 0, &second, &none) < 0 ? errno : 0);
    show_mask("after ppoll");
    return (int)count;
}

static int by_descriptor(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct signalfd_siginfo info = { 0 };
    raise(SIGUSR1);
    printf("%zd %u\n", read(fd, &info, sizeof(info)), info.ssi_signo);
    return 0;
}

static void *show_thread_mask(void *argument)
{
    show_mask("thread");
    return argument;
}

static int inherited(void)
{
    pthread_t thread;
    mask_one(SIG_BLOCK, SIGSEGV);
    mask_one(SIG_BLOCK, SIGUSR2);
    signal(SIGILL, SIG_IGN);
    pthread_create(&thread, NULL, show_thread_mask, NULL);
    pthread_join(thread, NULL);
    fflush(stdout);
    if (fork() == 0) {
        show_mask("child");
        execl("/proc/self/exe", "crashes", "mask", (char *)NULL);
    }
    wait(NULL);
    return 0;
}

static int mask_after_exec(void)
{
    struct sigaction action;
    show_mask("executed");
    sigaction(SIGILL, NULL, &action);
    printf("ignored %d\n", action.sa_handler == SIG_IGN);
    return 0;
}

static int kill_by_thread(void)
{
    on(SIGUSR1, say, 0);
    for (int i = 0; i < 50; i++)
        kill(getpid(), SIGUSR1);
    for (int i = 0; i < 50; i++)
        pthread_kill(pthread_self(), SIGUSR1);
    return (int)count;
}

static int closed_pipe(void)
{
    int ends[2];
    if (pipe(ends))
        return 1;
    close(ends[0]);
    return write(ends[1], "x", 1) < 0;
}

static void *end_process(void *argument)
{
    exit(23);
    return argument;
}

static int exit_by_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, end_process, NULL);
    pause();
    return 0;
}

static void *exec_now(void *argument)
{
    execl("/bin/sh", "sh", "-c", "echo executed; exit 24", (char *)NULL);
    return argument;
}

static int exec_by_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, exec_now, NULL);
    pause();
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} cases[] = {
    { "die-segv", die_segv },
    { "die-abort", die_abort },
    { "die-divide", die_divide },
    { "die-trap", die_trap },
    { "die-general-protection", die_general_protection },
    { "die-hlt", die_hlt },
    { "die-bus", die_bus },
    { "die-in-thread", die_in_thread },
    { "die-blocked-segv", die_blocked_segv },
    { "die-ignored-ill", die_ignored_ill },
    { "die-second-time", die_second_time },
    { "die-in-handler", die_in_handler },
    { "fault-in-handler-nodefer", fault_in_handler_nodefer },
    { "segv-codes", segv_codes },
    { "skip-ud2", skip_ud2 },
    { "breakpoints", breakpoints },
    { "raise-pending", raise_pending },
    { "mask-in-handler", mask_in_handler },
    { "raise-in-handler-of-another", raise_in_handler_of_another },
    { "wait-for-blocked", wait_for_blocked },
    { "stack-overflow", stack_overflow },
    { "child-dies", child_dies },
    { "stopped-child", stopped_child },
    { "spawned", spawned },
    { "timers", timers },
    { "suspended", suspended },
    { "by-descriptor", by_descriptor },
    { "inherited", inherited },
    { "mask", mask_after_exec },
    { "kill-by-thread", kill_by_thread },
    { "closed-pipe", closed_pipe },
    { "exit-by-thread", exit_by_thread },
    { "exec-by-thread", exec_by_thread },
};

int main(int argc, char **argv)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (argc < 2)
            puts(cases[i].name);
        else if (!strcmp(cases[i].name, argv[1]))
            return cases[i].run();
    }
    return argc < 2 ? 0 : 99;
}
