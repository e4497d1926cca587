// SPDX-License-Identifier: BSD-3-Clause
// Whom I/O on a file would be told to by a signal, and by which (fcntl(2)). It is kept and told back; no signal is
// sent.
#include "libos/fs/file.h"
#include "libos/vm/user.h"

static long set_owner(struct file *file, const struct f_owner_ex *owner)
{
    file->signal_thread = owner->type == F_OWNER_TID;
    WRITE_ONCE(file->signal_owner, owner->type == F_OWNER_PGRP ? -owner->pid : owner->pid);
    return 0;
}

static long set_owner_ex(struct file *file, u64 argument)
{
    struct f_owner_ex owner;
    if (copy_from_user(&owner, (const void __user *)argument, sizeof(owner)))
        return -EFAULT;
    if (owner.type != F_OWNER_TID && owner.type != F_OWNER_PID && owner.type != F_OWNER_PGRP)
        return -EINVAL;
    return set_owner(file, &owner);
}

static long get_owner_ex(const struct file *file, u64 argument)
{
    s32 who = READ_ONCE(file->signal_owner);
    struct f_owner_ex owner = { .type = file->signal_thread ? F_OWNER_TID : F_OWNER_PID, .pid = who < 0 ? -who : who };
    if (who < 0)
        owner.type = F_OWNER_PGRP;
    return copy_to_user((void __user *)argument, &owner, sizeof(owner)) ? -EFAULT : 0;
}

long file_owner_fcntl(struct file *file, u32 command, u64 argument)
{
    int pid = (int)argument;
    struct f_owner_ex owner = { .type = pid < 0 ? F_OWNER_PGRP : F_OWNER_PID, .pid = pid < 0 ? -pid : pid };

    switch (command) {
    case F_SETOWN:
        return pid == INT32_MIN ? -EINVAL : set_owner(file, &owner);
    case F_GETOWN:
        return READ_ONCE(file->signal_owner);
    case F_SETOWN_EX:
        return set_owner_ex(file, argument);
    case F_GETOWN_EX:
        return get_owner_ex(file, argument);
    case F_SETSIG:
        if (argument > 64)
            return -EINVAL;
        WRITE_ONCE(file->io_signal, (u8)argument);
        return 0;
    default:
        return READ_ONCE(file->io_signal);
    }
}
