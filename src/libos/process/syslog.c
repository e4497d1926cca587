// SPDX-License-Identifier: BSD-3-Clause
// syslog(2), which is klogctl(3): the kernel's log, which is empty. What the LibOS has to say goes to the host's log.
#include "libos/fs/uio.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"

enum {
    SYSLOG_READ = 2,
    SYSLOG_READ_ALL,
    SYSLOG_READ_CLEAR,
    SYSLOG_CONSOLE_LEVEL = 8,
    SYSLOG_LAST = 10,
    LEVELS = 8,
};

long sys_syslog(int type, char __user *buf, int size)
{
    if (!capable(CAP_SYSLOG)) // as with kernel.dmesg_restrict
        return -EPERM;
    if (type < 0 || type > SYSLOG_LAST)
        return -EINVAL;
    if (type >= SYSLOG_READ && type <= SYSLOG_READ_CLEAR) {
        if (!buf || size < 0)
            return -EINVAL;
        return uio_can_be_user(buf, (size_t)size) ? 0 : -EFAULT;
    }
    return type == SYSLOG_CONSOLE_LEVEL && (size < 1 || size > LEVELS) ? -EINVAL : 0;
}
