// SPDX-License-Identifier: BSD-3-Clause
// Recurses until the stack ends; the handler runs on its own stack (sigaltstack) and reports where it stands.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char alternate[64 * 1024];

static void on_fault(int number)
{
    char here;
    const char *text =
        &here >= alternate && &here < alternate + sizeof(alternate) ? "on the alternate stack\n" : "elsewhere\n";
    write(1, text, __builtin_strlen(text));
    _exit(7);
}

static int recurse(int depth)
{
    volatile char pad[1024];
    pad[depth % 1024] = (char)depth;
    return recurse(depth + 1) + pad[0];
}

int main(int argc, char **argv)
{
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
    struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
    if (argc == 1) {
        sigaltstack(&stack, NULL);
        sigaction(SIGSEGV, &action, NULL);
    }
    return recurse(argc);
}
