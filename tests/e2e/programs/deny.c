// SPDX-License-Identifier: BSD-3-Clause
// usage: deny sud|both PROGRAM ARGUMENTS... Runs a host program as on a kernel without Syscall User Dispatch (prctl
// answers EINVAL), or as in a sandbox that offers no seccomp filters either.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SYSCALL_USER_DISPATCH = 59 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)

static int install(struct sock_filter *code, unsigned short length)
{
    struct sock_fprog program = { .len = length, .filter = code };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    struct sock_filter no_dispatch[] = {
        LOAD(nr),
        UNLESS(SYS_prctl, 3),
        LOAD(args[0]),
        UNLESS(SYSCALL_USER_DISPATCH, 1),
        ANSWER(SECCOMP_RET_ERRNO | EINVAL),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_filter no_filters[] = {
        LOAD(nr),
        UNLESS(SYS_seccomp, 1),
        ANSWER(SECCOMP_RET_ERRNO | EINVAL),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    if (argc < 3 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || install(no_dispatch, 6) != 0)
        return 99;
    if (strcmp(argv[1], "both") == 0 && install(no_filters, 4) != 0)
        return 99;
    execv(argv[2], argv + 2);
    return 99;
}
