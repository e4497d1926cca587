// SPDX-License-Identifier: BSD-3-Clause
// System calls stopped by the filter: the device files by path, then each to its file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/cpu/enclu.h"
#include "front/driver/driver.h"
#include "front/driver/life.h"
#include "front/driver/maps.h"
#include "front/driver/procmem.h"
#include "front/front.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"
#include "front/os/signals.h"

enum device { NO_DEVICE, DEVICE_ENCLAVE, DEVICE_PROVISION };

static enum device device_at(struct task *t, u64 address)
{
    char head[8], path[32] = "";
    if (remote_read(t, address, head, 8) < 0 || memcmp(head, "/dev/sgx", 8))
        return NO_DEVICE;
    for (size_t i = 0; i + 1 < sizeof(path); i++)
        if (remote_read(t, address + i, &path[i], 1) < 0 || !path[i])
            break;
    if (!strcmp(path, "/dev/sgx_enclave") || !strcmp(path, "/dev/sgx/enclave"))
        return DEVICE_ENCLAVE;
    if (!strcmp(path, "/dev/sgx_provision") || !strcmp(path, "/dev/sgx/provision"))
        return DEVICE_PROVISION;
    return NO_DEVICE;
}

static void restore_with(struct task *t, struct user_regs_struct asked, long result)
{
    asked.rax = (u64)result;
    asked.orig_rax = ~0ull;
    t->regs = asked;
    remote_put(t);
}

static void opened(struct task *t, int fd, enum device device)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
    int own = open(path, O_RDWR | O_CLOEXEC);
    if (own < 0 || fstat(own, &info) < 0)
        return;
    if (device == DEVICE_PROVISION) {
        emu.provision_dev = info.st_dev;
        emu.provision_ino = info.st_ino;
        close(own);
        return;
    }
    encl_new(own, info.st_dev, info.st_ino);
}

static void on_open(struct task *t, u64 path, u64 flags)
{
    enum device device = device_at(t, path);
    struct user_regs_struct asked = t->regs;
    if (!device && procmem_path(t, path)) {
        long fd = remote_finish(t);
        if (fd >= 0)
            procmem_opened(t, (int)fd);
        return restore_with(t, asked, fd);
    }
    if (!device)
        return;
    t->regs.orig_rax = t->regs.rax = SYS_memfd_create;
    t->regs.rdi = t->mm->image + image_symbol("sgx2emu_name");
    t->regs.rsi = flags & O_CLOEXEC ? MFD_CLOEXEC : 0;
    long fd = remote_finish(t);
    if (fd >= 0)
        opened(t, (int)fd, device);
    restore_with(t, asked, fd);
}

// stat and access of a device answer for /dev/null: a character device all may use.
static void on_path(struct task *t, unsigned long long *path)
{
    if (!device_at(t, *path))
        return;
    struct user_regs_struct asked = t->regs;
    *path = t->mm->image + image_symbol("sgx2emu_null");
    restore_with(t, asked, remote_finish(t));
}

static void on_ioctl(struct task *t)
{
    struct encl *e = encl_of_fd(t, (int)t->regs.rdi);
    if (!e)
        return;
    struct user_regs_struct asked = t->regs;
    script_event(t, "ioctl");
    long result = driver_ioctl(t, e, (u32)t->regs.rsi, t->regs.rdx);
    trace("%d: ioctl %#llx: %ld", t->tid, asked.rsi, result);
    t->regs = asked;
    remote_skip(t, result);
}

static void on_close(struct task *t)
{
    if (encl_of_fd(t, (int)t->regs.rdi) && remote_finish(t) == 0)
        encl_collect();
}

// SYSCALL inside an enclave is #UD (SDM 36.6.1). RCX and R11 are lost already.
static bool inside(struct task *t)
{
    if (!t->cpu.in_enclave || t->regs.rip - t->encl->base >= t->encl->size)
        return false;
    t->regs.rax = t->regs.orig_rax;
    t->regs.orig_rax = ~0ull;
    t->regs.rip -= 2;
    siginfo_t info = { .si_signo = SIGILL, .si_code = 2 };
    if (!deliver_exception(t, SGX_UD, 0, 0, &info)) {
        u64 saved_rax = t->regs.rax;
        remote_skip(t, (long)saved_rax);
        signal_send(t, SIGILL, &info);
    } else {
        remote_skip(t, (long)t->regs.rax);
    }
    return true;
}

void on_syscall(struct task *t)
{
    if (inside(t))
        return;
    switch (t->regs.orig_rax) {
    case SYS_openat:
        return on_open(t, t->regs.rsi, t->regs.rdx);
    case SYS_open:
        return on_open(t, t->regs.rdi, t->regs.rsi);
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_faccessat:
    case SYS_faccessat2:
        return on_path(t, &t->regs.rsi);
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
        return on_path(t, &t->regs.rdi);
    case SYS_ioctl:
        return on_ioctl(t);
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
        return on_procmem(t);
    case SYS_close:
        return on_close(t);
    case SYS_mmap:
        return on_mmap(t);
    case SYS_mprotect:
        return on_mprotect(t);
    case SYS_munmap:
        return on_munmap(t);
    case SYS_rt_sigaction:
        return on_sigaction(t);
    case SYS_rt_sigprocmask:
        return on_sigprocmask(t);
    case SYS_rt_sigreturn:
        return on_sigreturn(t);
    case SYS_rt_sigpending:
        return on_sigpending(t);
    case SYS_rt_sigtimedwait:
        return on_sigtimedwait(t);
    }
}
