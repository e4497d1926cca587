// SPDX-License-Identifier: BSD-3-Clause
// Identities. Everything runs as root of its enclave: ids other than 0 are accepted where Linux would let root have
// them, and have no effect.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current->tid; }

long sys_getppid(void)
{
    mutex_lock(&process_lock);
    long pid = current_process()->parent ? current_process()->parent->pid : 0;
    mutex_unlock(&process_lock);
    return pid;
}

long sys_getuid(void) { return 0; }
long sys_geteuid(void) { return 0; }
long sys_getgid(void) { return 0; }
long sys_getegid(void) { return 0; }
long sys_setuid(u32 id) { return id == 0 ? 0 : -EPERM; }
long sys_setgid(u32 id) { return id == 0 ? 0 : -EPERM; }

static long all_root(u32 a, u32 b, u32 c)
{
    return (a == 0 || a == (u32)-1) && (b == 0 || b == (u32)-1) && (c == 0 || c == (u32)-1) ? 0 : -EPERM;
}

long sys_setreuid(u32 real, u32 effective) { return all_root(real, effective, 0); }
long sys_setregid(u32 real, u32 effective) { return all_root(real, effective, 0); }
long sys_setresuid(u32 real, u32 effective, u32 saved) { return all_root(real, effective, saved); }
long sys_setresgid(u32 real, u32 effective, u32 saved) { return all_root(real, effective, saved); }
long sys_setfsuid(u32 id) { return 0; }
long sys_setfsgid(u32 id) { return 0; }

static long put_three(u32 __user *a, u32 __user *b, u32 __user *c)
{
    u32 root = 0;
    return put_user(root, a) || put_user(root, b) || put_user(root, c) ? -EFAULT : 0;
}

long sys_getresuid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    return put_three(real, effective, saved);
}
long sys_getresgid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    return put_three(real, effective, saved);
}
long sys_getgroups(int size, u32 __user *list) { return size < 0 ? -EINVAL : 0; }
long sys_setgroups(size_t size, const u32 __user *list) { return size > 65536 ? -EINVAL : 0; }

long sys_capget(struct __user_cap_header_struct __user *header, struct __user_cap_data_struct __user *data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2] = { { ~0u, ~0u, 0 }, { 0x1ff, 0x1ff, 0 } };

    if (copy_from_user(&h, header, sizeof(h)))
        return -EFAULT;
    if (h.version != _LINUX_CAPABILITY_VERSION_3) {
        h.version = _LINUX_CAPABILITY_VERSION_3;
        return copy_to_user(header, &h, sizeof(h)) ? -EFAULT : data ? -EINVAL : 0;
    }
    return data && copy_to_user(data, d, sizeof(d)) ? -EFAULT : 0;
}

long sys_capset(struct __user_cap_header_struct __user *header, const struct __user_cap_data_struct __user *data)
{
    return 0;
}
