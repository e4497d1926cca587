// SPDX-License-Identifier: BSD-3-Clause
// Capabilities (capabilities(7)): told, given up, and never taken again.
#include "base/string.h"
#include "libos/process/cred.h"
#include "libos/process/process.h"
#include "libos/process/prctl_caps.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

#include <linux/prctl.h>

// Reads the header; *ret_words: 32-bit words of each set in this version. A version that is not known is answered with
// the one that is preferred: -EINVAL.
static int take_header(struct __user_cap_header_struct __user *user, struct __user_cap_header_struct *header,
                       u32 *ret_words)
{
    if (copy_from_user(header, user, sizeof(*header)))
        return -EFAULT;
    switch (header->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        *ret_words = _LINUX_CAPABILITY_U32S_1;
        return 0;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        *ret_words = _LINUX_CAPABILITY_U32S_3;
        return 0;
    default:
        header->version = _LINUX_CAPABILITY_VERSION_3;
        return copy_to_user(user, header, sizeof(*header)) ? -EFAULT : -EINVAL;
    }
}

long sys_capget(struct __user_cap_header_struct __user *user, struct __user_cap_data_struct __user *data)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    u32 words = 0;

    int err = take_header(user, &header, &words);
    if (err)
        return err == -EINVAL && !data ? 0 : err;
    if (header.pid < 0)
        return -EINVAL;
    mutex_lock(&process_lock);
    struct thread *thread = header.pid ? process_find_thread((u32)header.pid) : current;
    const struct cred *cred = thread ? thread_cred(thread) : NULL;
    mutex_unlock(&process_lock);
    if (!cred)
        return -ESRCH;
    for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
        sets[i] = (struct __user_cap_data_struct){ (u32)(cred->effective >> 32 * i), (u32)(cred->permitted >> 32 * i),
                                                   (u32)(cred->inheritable >> 32 * i) };
    cred_unref(cred);
    return data && copy_to_user(data, sets, words * sizeof(sets[0])) ? -EFAULT : 0;
}

static bool subset(u64 part, u64 whole) { return !(part & ~whole); }

long sys_capset(struct __user_cap_header_struct __user *user, const struct __user_cap_data_struct __user *data)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
    const struct cred *old = current_cred();
    u64 effective = 0, permitted = 0, inheritable = 0;
    u32 words = 0;

    int err = take_header(user, &header, &words);
    if (err)
        return err;
    if (header.pid != 0 && (u32)header.pid != current->tid)
        return -EPERM;
    if (copy_from_user(sets, data, words * sizeof(sets[0])))
        return -EFAULT;
    for (u32 i = 0; i < ARRAY_SIZE(sets); i++) {
        effective |= (u64)sets[i].effective << 32 * i;
        permitted |= (u64)sets[i].permitted << 32 * i;
        inheritable |= (u64)sets[i].inheritable << 32 * i;
    }
    effective &= CAP_EVERY, permitted &= CAP_EVERY, inheritable &= CAP_EVERY;
    if ((!capable(CAP_SETPCAP) && !subset(inheritable, old->inheritable | old->permitted)) ||
        !subset(inheritable, old->inheritable | old->bounding) || !subset(permitted, old->permitted) ||
        !subset(effective, permitted))
        return -EPERM;
    struct cred *new = cred_copy(old, NULL, 0);
    if (!new)
        return -ENOMEM;
    new->effective = effective;
    new->permitted = permitted;
    new->inheritable = inheritable;
    new->ambient &= permitted &inheritable;
    process_set_cred(new);
    return 0;
}

static long replace_ambient(u64 ambient)
{
    struct cred *new = cred_copy(current_cred(), NULL, 0);
    if (!new)
        return -ENOMEM;
    new->ambient = ambient;
    process_set_cred(new);
    return 0;
}

static long change_ambient(u64 what, u64 cap)
{
    const struct cred *old = current_cred();

    if (what == PR_CAP_AMBIENT_CLEAR_ALL)
        return cap ? -EINVAL : replace_ambient(0);
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    switch (what) {
    case PR_CAP_AMBIENT_IS_SET:
        return old->ambient >> cap & 1;
    case PR_CAP_AMBIENT_RAISE:
        if (!(old->permitted & old->inheritable & CAP_BIT(cap)) || (old->securebits & SECURE_NO_CAP_AMBIENT_RAISE))
            return -EPERM;
        return replace_ambient(old->ambient | CAP_BIT(cap));
    case PR_CAP_AMBIENT_LOWER:
        return replace_ambient(old->ambient & ~CAP_BIT(cap));
    default:
        return -EINVAL;
    }
}

static long drop_bounding(u64 cap)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    struct cred *new = cred_copy(current_cred(), NULL, 0);
    if (!new)
        return -ENOMEM;
    new->bounding &= ~CAP_BIT(cap);
    process_set_cred(new);
    return 0;
}

static long replace_securebits(u32 bits)
{
    struct cred *new = cred_copy(current_cred(), NULL, 0);
    if (!new)
        return -ENOMEM;
    new->securebits = bits;
    process_set_cred(new);
    return 0;
}

static long set_securebits(u64 bits)
{
    u32 old = current_cred()->securebits, locked = (old & SECURE_ALL_LOCKS) >> 1;

    if ((locked & (old ^ bits)) || (old & SECURE_ALL_LOCKS & ~bits) ||
        (bits & ~(u64)(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) || !capable(CAP_SETPCAP))
        return -EPERM;
    return replace_securebits((u32)bits);
}

static long set_keep_caps(u64 keep)
{
    u32 old = current_cred()->securebits;

    if (keep > 1)
        return -EINVAL;
    if (old & SECURE_KEEP_CAPS_LOCKED)
        return -EPERM;
    return replace_securebits(keep ? old | SECURE_KEEP_CAPS : old & ~(u32)SECURE_KEEP_CAPS);
}

bool prctl_caps(int option, const u64 args[4], long *ret_result)
{
    u64 a = args[0], b = args[1];

    switch (option) {
    case PR_CAPBSET_READ:
        *ret_result = a <= CAP_LAST_CAP ? (long)(current_cred()->bounding >> a & 1) : -EINVAL;
        return true;
    case PR_CAPBSET_DROP:
        *ret_result = drop_bounding(a);
        return true;
    case PR_GET_SECUREBITS:
        *ret_result = current_cred()->securebits;
        return true;
    case PR_SET_SECUREBITS:
        *ret_result = set_securebits(a);
        return true;
    case PR_GET_KEEPCAPS:
        *ret_result = (current_cred()->securebits & SECURE_KEEP_CAPS) != 0;
        return true;
    case PR_SET_KEEPCAPS:
        *ret_result = set_keep_caps(a);
        return true;
    case PR_CAP_AMBIENT:
        *ret_result = args[2] || args[3] ? -EINVAL : change_ambient(a, b);
        return true;
    default:
        return false;
    }
}
