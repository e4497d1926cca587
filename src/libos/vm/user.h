// SPDX-License-Identifier: BSD-3-Clause
// Copies between the LibOS and program memory. Never touch program memory any other way.
//
// Whose memory it is: all programs lie in one address space, so the processor does not keep a system call out of
// another process's memory. Each copy therefore asks the areas (VMAs) of the calling process first; what is not mapped
// there, or not with the access, is -EFAULT. A few areas are remembered per thread and hold until the mm changes
// (mm->generation), so that the usual call costs one comparison. docs/memory.md says what that promises.
//
// Two kinds of copies. The plain ones bring absent pages in and may sleep and take mm->lock; they must not be called
// with a lock of a file system or of anything else that a fault may need (Linux's rule, and its reason: a fault reads
// files). Under such a lock use the *_nofault ones, and on a short count drop the lock, fault_in_user, and try again.
#pragma once

#include "base/types.h"

// 0 or -EFAULT. On failure part of the destination may have been written.
__nodiscard int copy_from_user(void *dst, const void __user *src, size_t size);
__nodiscard int copy_to_user(void __user *dst, const void *src, size_t size);
__nodiscard int clear_user(void __user *dst, size_t size);
// Copies a string with its NUL; returns its length without it, -ENAMETOOLONG if size bytes hold no NUL, -EFAULT.
__nodiscard long strncpy_from_user(char *dst, const char __user *src, size_t size);

// The same without faults: never sleep, take no lock for good (mm->lock is tried). Return the bytes copied; fewer than
// size when a page is absent, an area is unknown, or the address is bad: fault_in_user tells which.
__nodiscard size_t copy_from_user_nofault(void *dst, const void __user *src, size_t size);
__nodiscard size_t copy_to_user_nofault(void __user *dst, const void *src, size_t size);
__nodiscard size_t clear_user_nofault(void __user *dst, size_t size);
// Brings in the pages of [addr, addr+size) for reading, or writing, as far as they can be had; contents stay. 0 when at
// least the first byte can be accessed now, else -EFAULT. May sleep: no lock may be held.
__nodiscard int fault_in_user(const void __user *addr, size_t size, bool write);

#define get_user(value, ptr) copy_from_user(&(value), (const void __user *)(ptr), sizeof(value))
#define put_user(value, ptr)                                               \
    ({                                                                     \
        typeof(value) put_value = (value);                                 \
        copy_to_user((void __user *)(ptr), &put_value, sizeof(put_value)); \
    })
