// SPDX-License-Identifier: BSD-3-Clause
// process_vm_readv(2), process_vm_writev(2).
#include "libos/fs/uio.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

// The memory of a process that the caller may look into, referenced.
static int foreign_mm(u32 pid, struct mm **ret_mm)
{
    mutex_lock(&process_lock);
    struct thread *thread = process_find_thread(pid);
    int err = thread ? may_look_into(thread->process) : -ESRCH;
    if (!err)
        *ret_mm = process_get_mm(thread->process);
    mutex_unlock(&process_lock);
    return err || *ret_mm ? err : -ESRCH;
}

// One piece through kernel memory. Bytes moved; fewer than n where one side ends.
static size_t move_piece(struct mm *mm, u64 remote, struct uio *local, u8 *buf, size_t n, bool write)
{
    if (!write) {
        size_t got = vm_access(mm, remote, buf, n, false);
        return got && uio_put(local, buf, got) == 0 ? got : 0;
    }
    if (uio_take(local, buf, n) != 0)
        return 0;
    return vm_access(mm, remote, buf, n, true);
}

static long move_all(struct mm *mm, const struct iovec *remote, u64 count, struct uio *local, bool write)
{
    u8 *buf = kpages_alloc(1);
    size_t done = 0;
    bool ended = false;

    if (!buf)
        return -ENOMEM;
    for (u64 i = 0; i < count && local->left && !ended; i++) {
        u64 at = (u64)(uintptr_t)remote[i].iov_base;
        for (size_t left = remote[i].iov_len; left && local->left && !ended;) {
            size_t n = MIN(MIN(left, local->left), PAGE_SIZE - (at & PAGE_MASK));
            size_t moved = move_piece(mm, at, local, buf, n, write);
            done += moved, at += moved, left -= moved;
            ended = moved < n;
        }
    }
    kpages_free(buf, 1);
    return done || !ended ? (long)done : -EFAULT;
}

static long transfer(int pid, const struct iovec __user *local, u64 local_count, const struct iovec __user *remote,
                     u64 remote_count, u64 flags, bool write)
{
    struct iovec *local_iov = NULL, *remote_iov = NULL;
    struct uio here, there;
    struct mm *mm = NULL;

    if (flags)
        return -EINVAL;
    long n = uio_import(local, local_count, &local_iov, &here);
    if (n)
        return n;
    n = uio_import(remote, remote_count, &remote_iov, &there);
    if (!n && here.left && there.left)
        n = foreign_mm((u32)pid, &mm);
    if (!n && mm)
        n = move_all(mm, remote_iov, there.count, &here, write);
    if (mm)
        mm_unref(mm);
    kfree(local_iov);
    kfree(remote_iov);
    return n;
}

long sys_process_vm_readv(int pid, const struct iovec __user *local, u64 local_count, const struct iovec __user *remote,
                          u64 remote_count, u64 flags)
{
    return transfer(pid, local, local_count, remote, remote_count, flags, false);
}

long sys_process_vm_writev(int pid, const struct iovec __user *local, u64 local_count,
                           const struct iovec __user *remote, u64 remote_count, u64 flags)
{
    return transfer(pid, local, local_count, remote, remote_count, flags, true);
}
