// SPDX-License-Identifier: BSD-3-Clause
// Behaviours of signals that a tracer could spoil. One case a run, by name; output and exit status are compared with a
// run without the emulator.
#include <cpuid.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sigjmp_buf back;
static volatile int seen_code;

static void handler(int sig, siginfo_t *info, void *context)
{
    seen_code = info->si_code;
    siglongjmp(back, sig);
}

static void catch (int sig)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigfillset(&action.sa_mask);
    sigaction(sig, &action, NULL);
}

static void illegal(void) { __asm__ volatile("ud2"); }

static void read_null(void) { __asm__ volatile("movq 0, %%rax" ::: "rax"); }

static void divide(void)
{
    __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cdq; idiv %%ecx" ::: "rax", "rcx", "rdx");
}

static void breakpoint(void) { __asm__ volatile("int3"); }

static int handled(int sig, void (*fault)(void))
{
    catch (sig);
    for (int i = 0; i < 3; i++) {
        int got = sigsetjmp(back, 1);
        if (!got)
            fault();
        printf("signal %d code %d\n", got, seen_code);
    }
    return 0;
}

static unsigned int vendor(void)
{
    unsigned int a = 0, b = 0, c = 0, d = 0;
    __cpuid(0, a, b, c, d);
    return b;
}

// CPUID is a trap under the emulator: it must not reset an action nor a mask.
static int cpuid_while(bool block)
{
    catch (SIGILL);
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGILL);
    if (block)
        sigprocmask(SIG_BLOCK, &set, NULL);
    else
        signal(SIGILL, SIG_IGN);
    printf("%#x\n", vendor());
    struct sigaction action;
    sigaction(SIGILL, NULL, &action);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("blocked %d ours %d ignored %d\n", sigismember(&now, SIGILL), action.sa_sigaction == handler,
           action.sa_handler == SIG_IGN);
    return 0;
}

static int mask_read_back(void)
{
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, &old);
    sigprocmask(SIG_SETMASK, &old, &set);
    for (int sig = 1; sig < 32; sig++)
        printf("%d", sigismember(&set, sig));
    printf("\n");
    return 0;
}

static int action_read_back(void)
{
    struct sigaction set = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART }, got;
    sigfillset(&set.sa_mask);
    for (int sig = 1; sig < 16; sig++) {
        if (sig == SIGKILL || sigaction(sig, &set, NULL) || sigaction(sig, &set, &got))
            continue;
        printf("%d: %#x %d %d\n", sig, got.sa_flags & ~0x4000000, got.sa_sigaction == handler,
               sigismember(&got.sa_mask, SIGILL));
    }
    return 0;
}

static void *work(void *argument)
{
    unsigned long sum = 0;
    for (unsigned long i = 0; i < 200; i++)
        sum += vendor() & 1;
    return (void *)sum;
}

static int threads(void)
{
    pthread_t thread[16];
    unsigned long total = 0;
    for (int i = 0; i < 16; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < 16; i++) {
        void *sum;
        pthread_join(thread[i], &sum);
        total += (unsigned long)sum;
    }
    printf("%lu\n", total);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(name, "ud2"))
        illegal();
    if (!strcmp(name, "ud2-handled"))
        return handled(SIGILL, illegal);
    if (!strcmp(name, "segv-handled"))
        return handled(SIGSEGV, read_null);
    if (!strcmp(name, "fpe-handled"))
        return handled(SIGFPE, divide);
    if (!strcmp(name, "trap-handled"))
        return handled(SIGTRAP, breakpoint);
    if (!strcmp(name, "blocked-cpuid"))
        return cpuid_while(true);
    if (!strcmp(name, "ignored-cpuid"))
        return cpuid_while(false);
    if (!strcmp(name, "mask-read-back"))
        return mask_read_back();
    if (!strcmp(name, "action-read-back"))
        return action_read_back();
    if (!strcmp(name, "threads"))
        return threads();
    if (!strcmp(name, "system"))
        return system("exit 5") >> 8;
    return 2;
}
