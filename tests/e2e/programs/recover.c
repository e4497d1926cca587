// SPDX-License-Identifier: BSD-3-Clause
// Handles a real fault with SA_SIGINFO and goes on: the address, the code and the changed register must be right.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static char *page;
static volatile int faults;

static void on_fault(int number, siginfo_t *info, void *context)
{
    if (number != SIGSEGV || info->si_addr != page + 100 || info->si_code != SEGV_ACCERR)
        _exit(3);
    if (!((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP])
        _exit(4);
    faults++;
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0)
        _exit(5);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = 42;
    printf("faults %d, value %d\n", faults, page[100]);
    return 0;
}
