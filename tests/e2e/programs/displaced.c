// SPDX-License-Identifier: BSD-3-Clause
// A load just before a SYSCALL instruction faults. The handler sees the load's own address, and after it has given
// the register another value the program goes on at the load.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ucontext.h>
#include <unistd.h>

enum { SIZE_OF_MOV = 5 }; // no label at the load: the call gate would take it for a target of jumps

long load_and_getpid(const long *from, long *ret_loaded);
__asm__(".text\n"
        ".p2align 4\n"
        "load_and_getpid:\n"
        "    mov $39, %eax\n"
        "    mov (%rdi), %rdx\n"
        "    syscall\n"
        "    mov %rdx, (%rsi)\n"
        "    ret\n");

static long value = 4711;
static int at_the_load;

static void handle(int number, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)number;
    at_the_load =
        (unsigned long)regs[REG_RIP] == (unsigned long)load_and_getpid + SIZE_OF_MOV && info->si_addr == (void *)16;
    regs[REG_RDI] = (greg_t)&value;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
    long loaded = 0, pid;
    if (argc > 1 && strcmp(argv[1], "kill") == 0)
        return (int)load_and_getpid((const long *)16, &loaded);
    sigaction(SIGSEGV, &action, NULL);
    pid = load_and_getpid((const long *)16, &loaded);
    printf("at the load: %d, loaded %ld, pid %s\n", at_the_load, loaded, pid == getpid() ? "right" : "wrong");
    return 0;
}
