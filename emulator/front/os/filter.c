// SPDX-License-Identifier: BSD-3-Clause
// Which system calls stop for the supervisor. The image's own gadget is exempt by its address.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/os/emu.h"
#include "front/os/filter.h"
#include "front/os/image.h"
#include "front/os/remote.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define AND(mask) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (mask))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define STOP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)
#define STOP_CALL(nr) EQUAL((nr), 0, 1), STOP
#define PREAMBLE                                                                       \
    LOAD(arch), EQUAL(AUDIT_ARCH_X86_64, 1, 0), ALLOW, LOAD_HIGH(instruction_pointer), \
        EQUAL((u32)(EMU_IMAGE >> 32), 0, 1), ALLOW

// Calls of every program: paths (for the device), the driver's ioctls, file mappings, signal actions and masks.
int filter_install(void)
{
    struct sock_filter rules[] = {
        PREAMBLE,
        LOAD(nr),
        STOP_CALL(SYS_openat),
        STOP_CALL(SYS_open),
        STOP_CALL(SYS_newfstatat),
        STOP_CALL(SYS_stat),
        STOP_CALL(SYS_lstat),
        STOP_CALL(SYS_statx),
        STOP_CALL(SYS_access),
        STOP_CALL(SYS_faccessat),
        STOP_CALL(SYS_faccessat2),
        STOP_CALL(SYS_rt_sigaction),
        STOP_CALL(SYS_rt_sigprocmask),
        STOP_CALL(SYS_rt_sigreturn),
        STOP_CALL(SYS_rt_sigpending),
        STOP_CALL(SYS_rt_sigtimedwait),
        EQUAL(SYS_ioctl, 0, 5),
        LOAD(args[1]),
        AND(0xff00),
        EQUAL(0xa400, 0, 1),
        STOP,
        ALLOW,
        EQUAL(SYS_mmap, 0, 4),
        LOAD(args[4]),
        EQUAL(0xffffffff, 0, 1),
        ALLOW,
        STOP,
        ALLOW,
    };
    struct sock_fprog program = { sizeof(rules) / sizeof(rules[0]), rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return -errno;
    return 0;
}

// Once a program has an enclave: changes of mappings, close of its file, and any SYSCALL executed inside ELRANGE, which
// is #UD there.
void filter_enclave(struct task *t, int fd, u64 base, u64 size)
{
    u64 mask = ~(size - 1);
    struct {
        struct sock_fprog program;
        struct sock_filter rules[29];
    } image = { { 0, NULL },
                {
                    PREAMBLE,
                    LOAD_HIGH(instruction_pointer),
                    AND((u32)(mask >> 32)),
                    EQUAL((u32)(base >> 32), 0, 4),
                    LOAD(instruction_pointer),
                    AND((u32)mask),
                    EQUAL((u32)base, 0, 1),
                    STOP,
                    LOAD(nr),
                    STOP_CALL(SYS_mprotect),
                    STOP_CALL(SYS_munmap),
                    EQUAL(SYS_close, 0, 4),
                    LOAD(args[0]),
                    EQUAL((u32)fd, 0, 1),
                    STOP,
                    ALLOW,
                    EQUAL(SYS_mmap, 0, 4),
                    LOAD(args[3]),
                    AND(MAP_FIXED | MAP_FIXED_NOREPLACE),
                    EQUAL(0, 1, 0),
                    STOP,
                    ALLOW,
                } };
    image.program.len = sizeof(image.rules) / sizeof(image.rules[0]);
    image.program.filter = (struct sock_filter *)(EMU_SCRATCH + offsetof(typeof(image), rules));
    if (remote_write(t, EMU_SCRATCH, &image, sizeof(image)) < 0)
        return;
    u64 args[6] = { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, EMU_SCRATCH };
    long ret = remote_call(t, SYS_seccomp, args);
    if (ret == -EPERM || ret == -ENOSYS) { // it would run on with calls that nobody sees
        fprintf(stderr, "sgx2emu: seccomp: %s. What helps: a sandbox that permits seccomp(2)\n", strerror((int)-ret));
        exit(125);
    }
    if (ret)
        trace("%d: filter of the enclave: %ld", t->tid, ret);
}
