// SPDX-License-Identifier: BSD-3-Clause
// The memory side of a read or write: the program's iovec array, or one kernel buffer.
#pragma once

#include "abi/linux/abi.h"

struct uio {
    const struct iovec *iov; // kernel copy of the array; the bases are user addresses unless kernel
    size_t count;            // elements left, the first partly used
    size_t offset;           // used bytes of the first element
    size_t left;             // bytes in all
    bool kernel;
};

enum { UIO_MAX_BYTES = 0x7ffff000, UIO_IOV_MAX = 1024 }; // as Linux: one call moves no more; IOV_MAX

void uio_user(struct uio *uio, struct iovec *one, const void *user_buf, size_t size);
void uio_kernel(struct uio *uio, struct iovec *one, void *buf, size_t size);
// Could it be a program's memory, by its address alone (access_ok of Linux)? Asked before anything happens.
static inline bool uio_can_be_user(const void __user *buf, size_t size)
{
    const u64 end = (1ull << 47) - 4096;
    return (u64)(uintptr_t)buf <= end && size <= end - (u64)(uintptr_t)buf;
}
// Copies a program's iovec array; the caller frees it (kfree) when the uio is done with. -EINVAL, -EFAULT, -ENOMEM.
__nodiscard int uio_import(const struct iovec __user *user, u64 count, struct iovec **ret_iov, struct uio *ret_uio);
// Move up to n bytes between a kernel buffer and the uio, and advance it. 0 or -EFAULT; short only on a fault.
__nodiscard int uio_put(struct uio *uio, const void *from, size_t n); // into the caller's memory
__nodiscard int uio_take(struct uio *uio, void *to, size_t n);        // out of the caller's memory
__nodiscard int uio_put_zeros(struct uio *uio, size_t n);
// The same as far as the caller's memory goes: bytes moved, or -EFAULT when it is none of n.
__nodiscard long uio_put_some(struct uio *uio, const void *from, size_t n);
__nodiscard long uio_take_some(struct uio *uio, void *to, size_t n);
__nodiscard long uio_put_zeros_some(struct uio *uio, size_t n);

// Under a lock that a page fault may need (any lock of a file system): only as far as the memory is there now, and
// advance by that. Bytes moved; after fewer than n drop the lock, uio_fault_in, and go on.
__nodiscard size_t uio_put_nofault(struct uio *uio, const void *from, size_t n);
__nodiscard size_t uio_take_nofault(struct uio *uio, void *to, size_t n);
__nodiscard size_t uio_put_zeros_nofault(struct uio *uio, size_t n);
// Brings in what the next n bytes need, for writing into the caller's memory (into) or reading it. 0, or -EFAULT when
// not even the next byte can be had. May sleep: no lock may be held.
__nodiscard int uio_fault_in(const struct uio *uio, size_t n, bool into);
