// SPDX-License-Identifier: BSD-3-Clause
// Durations and times that programs pass.
#pragma once

#include "libos/time/time.h"
#include "libos/vm/user.h"

// A timespec in nanoseconds. -EFAULT, -EINVAL (negative, or a second or more of nanoseconds).
__nodiscard static inline int timespec_from_user(const void __user *user, s64 *ret_ns)
{
    struct __kernel_timespec ts;

    if (copy_from_user(&ts, user, sizeof(ts)))
        return -EFAULT;
    if (!timespec_valid(&ts))
        return -EINVAL;
    *ret_ns = timespec_to_ns(&ts);
    return 0;
}
