// SPDX-License-Identifier: BSD-3-Clause
// User and group ids (credentials(7)): who may change them to what, and what that does to capabilities.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/process/cred.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { KEEP = UINT32_MAX }; // (uid_t)-1 in the calls that change several

long sys_getuid(void) { return current_cred()->uid; }
long sys_geteuid(void) { return current_cred()->euid; }
long sys_getgid(void) { return current_cred()->gid; }
long sys_getegid(void) { return current_cred()->egid; }

// capabilities(7), "Effect of user ID changes on capabilities".
static void fix_capabilities(const struct cred *old, struct cred *new)
{
    bool was_root = !old->uid || !old->euid || !old->suid, is_root = !new->uid || !new->euid || !new->suid;

    if (new->securebits & SECURE_NO_SETUID_FIXUP)
        return;
    if (was_root && !is_root) {
        if (!(new->securebits &SECURE_KEEP_CAPS))
            new->permitted = new->effective = 0;
        new->ambient = 0;
    }
    if (!old->euid && new->euid)
        new->effective = 0;
    if (old->euid && !new->euid)
        new->effective = new->permitted;
}

static long put_three(u32 a, u32 b, u32 c, u32 __user *to_a, u32 __user *to_b, u32 __user *to_c)
{
    return put_user(a, to_a) || put_user(b, to_b) || put_user(c, to_c) ? -EFAULT : 0;
}

long sys_getresuid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    const struct cred *c = current_cred();
    return put_three(c->uid, c->euid, c->suid, real, effective, saved);
}

long sys_getresgid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    const struct cred *c = current_cred();
    return put_three(c->gid, c->egid, c->sgid, real, effective, saved);
}

// The end of every change: new is put in place, or freed after an error.
static long finish(struct cred *new, long err)
{
    if (err)
        cred_unref(new);
    else
        process_set_cred(new);
    return err;
}

static long finish_uids(struct cred *new, long err)
{
    new->fsuid = new->euid;
    if (!err)
        fix_capabilities(current_cred(), new);
    return finish(new, err);
}

static long finish_gids(struct cred *new, long err)
{
    new->fsgid = new->egid;
    return finish(new, err);
}

static struct cred *begin(void) { return cred_copy(current_cred(), NULL, 0); }

long sys_setuid(u32 id)
{
    struct cred *new = id == KEEP ? NULL : begin();
    if (!new)
        return id == KEEP ? -EINVAL : -ENOMEM;
    bool all = cred_capable(new, CAP_SETUID);
    long err = all || id == new->uid || id == new->suid ? 0 : -EPERM;
    if (all)
        new->uid = new->suid = id;
    new->euid = id;
    return finish_uids(new, err);
}

long sys_setgid(u32 id)
{
    struct cred *new = id == KEEP ? NULL : begin();
    if (!new)
        return id == KEEP ? -EINVAL : -ENOMEM;
    bool all = cred_capable(new, CAP_SETGID);
    long err = all || id == new->gid || id == new->sgid ? 0 : -EPERM;
    if (all)
        new->gid = new->sgid = id;
    new->egid = id;
    return finish_gids(new, err);
}

// The three ids of a kind.
struct three {
    u32 real, effective, saved;
};

// setreuid(2), setregid(2). -EPERM.
static long set_two(struct three *ids, u32 real, u32 effective, bool all)
{
    struct three old = *ids;

    if (real != KEEP && real != old.real && real != old.effective && !all)
        return -EPERM;
    if (effective != KEEP && effective != old.real && effective != old.effective && effective != old.saved && !all)
        return -EPERM;
    if (real != KEEP)
        ids->real = real;
    if (effective != KEEP)
        ids->effective = effective;
    if (real != KEEP || (effective != KEEP && effective != old.real))
        ids->saved = ids->effective;
    return 0;
}

static bool is_one(u32 id, const struct three *ids)
{
    return id == KEEP || id == ids->real || id == ids->effective || id == ids->saved;
}

// setresuid(2), setresgid(2). -EPERM.
static long set_three(struct three *ids, const struct three *to, bool all)
{
    if (!all && !(is_one(to->real, ids) && is_one(to->effective, ids) && is_one(to->saved, ids)))
        return -EPERM;
    if (to->real != KEEP)
        ids->real = to->real;
    if (to->effective != KEEP)
        ids->effective = to->effective;
    if (to->saved != KEEP)
        ids->saved = to->saved;
    return 0;
}

static long set_uids(const struct three *to, bool only_two)
{
    struct cred *new = begin();
    if (!new)
        return -ENOMEM;
    struct three ids = { new->uid, new->euid, new->suid };
    bool all = cred_capable(new, CAP_SETUID);
    long err = only_two ? set_two(&ids, to->real, to->effective, all) : set_three(&ids, to, all);
    new->uid = ids.real, new->euid = ids.effective, new->suid = ids.saved;
    return finish_uids(new, err);
}

static long set_gids(const struct three *to, bool only_two)
{
    struct cred *new = begin();
    if (!new)
        return -ENOMEM;
    struct three ids = { new->gid, new->egid, new->sgid };
    bool all = cred_capable(new, CAP_SETGID);
    long err = only_two ? set_two(&ids, to->real, to->effective, all) : set_three(&ids, to, all);
    new->gid = ids.real, new->egid = ids.effective, new->sgid = ids.saved;
    return finish_gids(new, err);
}

long sys_setreuid(u32 real, u32 effective) { return set_uids(&(struct three){ real, effective, KEEP }, true); }
long sys_setregid(u32 real, u32 effective) { return set_gids(&(struct three){ real, effective, KEEP }, true); }
long sys_setresuid(u32 real, u32 effective, u32 saved)
{
    return set_uids(&(struct three){ real, effective, saved }, false);
}
long sys_setresgid(u32 real, u32 effective, u32 saved)
{
    return set_gids(&(struct three){ real, effective, saved }, false);
}

// setfsuid(2) and setfsgid(2) tell the old id whether or not they change it.
long sys_setfsuid(u32 id)
{
    const struct cred *old = current_cred();
    long before = old->fsuid;
    bool may = id == old->uid || id == old->euid || id == old->suid || id == old->fsuid || capable(CAP_SETUID);
    struct cred *new = may &&id != KEEP &&id != old->fsuid ? begin() : NULL;

    if (!new)
        return before;
    new->fsuid = id;
    if (!(new->securebits &SECURE_NO_SETUID_FIXUP) && !old->fsuid)
        new->effective &= ~CAP_FS_SET;
    else if (!(new->securebits &SECURE_NO_SETUID_FIXUP) && !id)
        new->effective |= new->permitted &CAP_FS_SET;
    process_set_cred(new);
    return before;
}

long sys_setfsgid(u32 id)
{
    const struct cred *old = current_cred();
    long before = old->fsgid;
    bool may = id == old->gid || id == old->egid || id == old->sgid || id == old->fsgid || capable(CAP_SETGID);
    struct cred *new = may &&id != KEEP &&id != old->fsgid ? begin() : NULL;

    if (!new)
        return before;
    new->fsgid = id;
    process_set_cred(new);
    return before;
}

long sys_getgroups(int size, u32 __user *list)
{
    const struct cred *c = current_cred();

    if (size < 0 || (size && (u32)size < c->group_count))
        return -EINVAL;
    if (size && copy_to_user(list, c->groups, c->group_count * sizeof(u32)))
        return -EFAULT;
    return (long)c->group_count;
}

static void sift_down(u32 *ids, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && ids[child + 1] > ids[child])
            child++;
        if (ids[at] >= ids[child])
            return;
        u32 id = ids[at];
        ids[at] = ids[child];
        ids[child] = id;
    }
}

// A heap sort: a program may give 65,536 ids in the worst of orders.
static void sort(u32 *ids, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(ids, i, count);
    for (size_t end = count; end-- > 1;) {
        u32 id = ids[0];
        ids[0] = ids[end];
        ids[end] = id;
        sift_down(ids, 0, end);
    }
}

long sys_setgroups(size_t size, const u32 __user *list)
{
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (size > CRED_GROUPS_MAX)
        return -EINVAL;
    u32 *groups = kmalloc(MAX(size, (size_t)1) * sizeof(u32));
    if (!groups)
        return -ENOMEM;
    long err = size && copy_from_user(groups, list, size * sizeof(u32)) ? -EFAULT : 0;
    for (size_t i = 0; i < size && !err; i++)
        err = groups[i] == KEEP ? -EINVAL : 0;
    if (!err) {
        sort(groups, size);
        struct cred *new = cred_copy(current_cred(), groups, (u32)size);
        err = new ? finish(new, 0) : -ENOMEM;
    }
    kfree(groups);
    return err;
}
