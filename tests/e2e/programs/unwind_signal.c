// Unwinds out of a handler through the frame of a signal, by libgcc, again after many returns; with a number: raises
// only.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

static volatile int taken, in_raiser, in_main, frames_after_signal;
static volatile int quiet;

int main(int argc, char **argv);
static void raiser(void);

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *arg)
{
    int before = 0;
    unsigned long ip = _Unwind_GetIPInfo(context, &before);
    void *function = _Unwind_FindEnclosingFunction((void *)(before ? ip : ip - 1));

    frames_after_signal += before; // the frame that was interrupted: its address is not one after a call
    in_raiser += function == (void *)raiser;
    in_main += function == (void *)main;
    return function == (void *)main ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void handler(int signo)
{
    taken++;
    if (!quiet)
        _Unwind_Backtrace(look, NULL);
}

__attribute__((noinline)) static void raiser(void)
{
    raise(SIGUSR1);
    __asm__ volatile("" ::: "memory"); // not a tail call
}

// A handler's registers and mask come back whole.
static void registers_come_back(void)
{
    register long r12 __asm__("r12") = 12;
    long rax = SIGUSR1, rcx_kept;
    double vector = 1.25;

    __asm__ volatile("" : "+r"(r12), "+x"(vector));
    raise((int)rax);
    __asm__ volatile("mov %1, %0" : "=r"(rcx_kept) : "r"(r12), "x"(vector));
    printf("r12 %ld, xmm %.2f\n", rcx_kept, vector);
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = handler };
    int count = argc > 1 ? atoi(argv[1]) : 1000;

    sigaction(SIGUSR1, &action, NULL);
    quiet = argc > 1;
    if (!quiet)
        raiser();
    printf("raiser %d, main %d, interrupted %d\n", in_raiser, in_main, frames_after_signal);
    quiet = 1;
    for (int i = 0; i < count; i++)
        raiser();
    quiet = argc > 1;
    if (!quiet)
        raiser();
    printf("taken %d, raiser %d, main %d, interrupted %d\n", taken, in_raiser, in_main, frames_after_signal);
    registers_come_back();
    return 0;
}
