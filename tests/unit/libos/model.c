// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

static void remove_tree(const char *dir)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf --one-file-system '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "# cannot remove %s\n", dir);
}

static bool show_proc(const char *dir)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/proc", dir);
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdir(path, 0755) == 0 &&
           mount("/proc", path, NULL, MS_BIND | MS_REC, NULL) == 0;
}

bool model_start(bool with_proc)
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
    signal(SIGPIPE, SIG_IGN); // writes to a FIFO without a reader: EPIPE is what is compared
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    if (with_proc && !show_proc(dir))
        return false;
    return chroot(dir) == 0 && chdir("/") == 0;
}

long model_call(long number, u64 a, u64 b, u64 c, u64 d, u64 e)
{
    long r = syscall(number, a, b, c, d, e);
    return r < 0 ? -errno : r;
}
