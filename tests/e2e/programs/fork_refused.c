// SPDX-License-Identifier: BSD-3-Clause
// fork(2) is refused with ENOSYS; the program goes on.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    printf("fork: %s\n", pid < 0 ? strerror(errno) : "a child");
    return 0;
}
