// SPDX-License-Identifier: BSD-3-Clause
// Divides by zero under a handler that leaves by siglongjmp, three times.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf back;
static volatile int zero;

static void on_fault(int number, siginfo_t *info, void *context)
{
    siglongjmp(back, info->si_code == FPE_INTDIV ? number : 99);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &action, NULL);
    for (int i = 0; i < 3; i++) {
        int number = sigsetjmp(back, 1);
        if (number == 0)
            zero = 1000 / zero;
        printf("signal %d\n", number);
    }
    return 0;
}
