// SPDX-License-Identifier: BSD-3-Clause
// Copies between the LibOS and program memory. The address must lie in user space; a fault brings the page in (lazy
// file pages, EDMM commits) or ends in -EFAULT. May sleep. Never touch program memory any other way.
#pragma once

#include "base/types.h"

// 0 or -EFAULT. On failure part of the destination may have been written.
__nodiscard int copy_from_user(void *dst, const void __user *src, size_t size);
__nodiscard int copy_to_user(void __user *dst, const void *src, size_t size);
__nodiscard int clear_user(void __user *dst, size_t size);
// Copies a string with its NUL; returns its length without it, -ENAMETOOLONG if size bytes hold no NUL, -EFAULT.
__nodiscard long strncpy_from_user(char *dst, const char __user *src, size_t size);

#define get_user(value, ptr) copy_from_user(&(value), (const void __user *)(ptr), sizeof(value))
#define put_user(value, ptr)                                               \
    ({                                                                     \
        typeof(value) put_value = (value);                                 \
        copy_to_user((void __user *)(ptr), &put_value, sizeof(put_value)); \
    })
