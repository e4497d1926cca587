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
    current->saved_blocked = current->blocked;
    current->restore_blocked = true;
    thread_set_blocked_hook(mask);
    return 0;
}

long signal_mask_done(long result)
{
    if (result == -ERESTARTNOHAND || !current->restore_blocked)
        return result;
    current->restore_blocked = false;
    thread_set_blocked_hook(current->saved_blocked);
    return result;
}
