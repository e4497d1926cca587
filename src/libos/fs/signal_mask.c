// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/signal_mask.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

long signal_mask_swap(const u64 __user *user, size_t size)
{
    u64 mask;
    if (!user)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (get_user(mask, user))
        return -EFAULT;
    thread_mask_hooks.borrow(mask);
    return 0;
}

long signal_mask_done(long result)
{
    if (result == -ERESTARTNOHAND || !current->restore_blocked)
        return result;
    thread_mask_hooks.set(current->saved_blocked);
    return result;
}
