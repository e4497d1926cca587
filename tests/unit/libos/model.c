// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

static void remove_tree(const char *dir)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "# cannot remove %s\n", dir);
}

bool model_start(void)
{
    char dir[] = "/dev/shm/occlum-model-XXXXXX";
    int status;

    if (!mkdtemp(dir))
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (child > 0) {
        waitpid(child, &status, 0);
        remove_tree(dir);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    umask(022);
    if ((chroot(dir) != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(dir) != 0)) || chdir("/") != 0)
        return false;
    return true;
}

long model_call(long number, u64 a, u64 b, u64 c, u64 d, u64 e)
{
    long r = syscall(number, a, b, c, d, e);
    return r < 0 ? -errno : r;
}
