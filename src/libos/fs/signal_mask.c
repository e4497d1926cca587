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
    __atomic_store_n(&current->blocked, mask & ~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1))), __ATOMIC_SEQ_CST);
    if (thread_deliverable_hook && thread_deliverable_hook(current)) // the old mask held one back
        thread_notify(current, THREAD_SIGNAL);
    return 0;
}

long signal_mask_done(long result)
{
    if (result == -ERESTARTNOHAND || !current->restore_blocked)
        return result;
    current->blocked = current->saved_blocked;
    current->restore_blocked = false;
    return result;
}
