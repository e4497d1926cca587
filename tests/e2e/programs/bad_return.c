// SPDX-License-Identifier: BSD-3-Clause
// Ways back to the program that lead nowhere are its own fault: it gets SIGSEGV, and nobody else notices.
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const uint64_t nowhere[] = { 0x8000000000000000, 0x0000800000000000, 0xffff800000000000, 0xfffffffffffff000, 8 };
enum { NOT_CANONICAL = 2 }; // so many of them: the fault is the jump's own, and says no address

static void told(int signo, siginfo_t *info, void *context)
{
    printf("signal %d, code %d, address %p\n", signo, info->si_code, info->si_addr);
    fflush(stdout);
    _exit(7);
}

static void handle_faults(void)
{
    static char stack[64 << 10];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction action = { .sa_sigaction = told, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

// A call that comes back to where no code can be: by the gate's own address where there is one. On Linux the jump
// faults.
static void return_to(uint64_t address)
{
    __asm__ volatile("mov $39, %%eax; mov %0, %%rcx; jmp *%%gs:40" : : "r"(address) : "rax", "rcx", "r11", "memory");
}

static int child(const char *how, uint64_t address)
{
    if (how[1] == 'c')
        handle_faults();
    if (how[0] == 'h') {
        struct sigaction action = { .sa_handler = (void (*)(int))address };
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
    } else {
        return_to(address);
    }
    return 0;
}

static void run(const char *self, const char *how, uint64_t address)
{
    char text[32], *arguments[] = { (char *)self, (char *)how, text, NULL };
    int status;
    pid_t pid;
    snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
    fflush(stdout);
    if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) || waitpid(pid, &status, 0) != pid)
        exit(1);
    printf("%s %s: ", how, text);
    if (WIFSIGNALED(status))
        printf("killed by %d\n", WTERMSIG(status));
    else
        printf("ended with %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return child(argv[1], strtoull(argv[2], NULL, 0));
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        run(argv[0], "h-", nowhere[i]);
        if (i < NOT_CANONICAL)
            run(argv[0], "hc", nowhere[i]);
        run(argv[0], "r-", nowhere[i]);
    }
    puts("still here");
    return 0;
}
