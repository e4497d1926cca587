// SPDX-License-Identifier: BSD-3-Clause
// What would change the machine, which is the host's: EPERM, also to the enclave's root. What Linux checks after the
// caller's capability is told to who has it.
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/vm/user.h"

enum { NAME_MOST = 64, REBOOT_MAGIC1 = 0xfee1dead };

static long set_system_name(const char __user *user, int len)
{
    char name[NAME_MOST];

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (len < 0 || len > NAME_MOST)
        return -EINVAL;
    return copy_from_user(name, user, (size_t)len) ? -EFAULT : -EPERM;
}

long sys_sethostname(const char __user *name, int len) { return set_system_name(name, len); }
long sys_setdomainname(const char __user *name, int len) { return set_system_name(name, len); }
long sys_vhangup(void) { return -EPERM; }
long sys_pivot_root(const char __user *root, const char __user *old) { return -EPERM; }
long sys_acct(const char __user *path) { return -EPERM; }
long sys_swapon(const char __user *path, int flags) { return -EPERM; }
long sys_swapoff(const char __user *path) { return -EPERM; }

long sys_reboot(u32 magic1, u32 magic2, u32 command, void __user *argument)
{
    return capable(CAP_SYS_BOOT) && magic1 != REBOOT_MAGIC1 ? -EINVAL : -EPERM;
}
