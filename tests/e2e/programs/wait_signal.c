// SPDX-License-Identifier: BSD-3-Clause
// Says "ready", then waits for a signal: with "handle" it reports SIGINT or SIGUSR1 and ends with 5, with "ignore" it
// ignores SIGTERM, otherwise the default applies.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void handle(int number)
{
    char text[] = "caught signal  \n";
    text[14] = (char)('0' + number % 10);
    write(1, text, sizeof(text) - 1);
    _exit(5);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "handle") == 0)
        signal(SIGINT, handle), signal(SIGUSR1, handle);
    if (argc > 1 && strcmp(argv[1], "ignore") == 0)
        signal(SIGTERM, SIG_IGN);
    write(1, "ready\n", 6);
    if (argc > 1 && strcmp(argv[1], "spin") == 0)
        for (volatile unsigned long i = 0;; i++) {
        }
    for (;;)
        pause();
}
