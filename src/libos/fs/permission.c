// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/permission.h"

#include "libos/fs/instance.h"

// The bits of the mode that count for these credentials, as MAY_*.
static u32 granted(const struct cred *cred, const struct kstat *st)
{
    if (cred->fsuid == st->uid)
        return st->mode >> 6 & 7;
    return (cred_in_group(cred, st->gid) ? st->mode >> 3 : st->mode) & 7;
}

int cred_permission(const struct cred *cred, const struct kstat *st, u32 mask)
{
    bool directory = S_ISDIR(st->mode);

    if ((granted(cred, st) & mask) == mask)
        return 0;
    // To read and to search folders, and to read files, is one capability, all else but executing what nobody may is
    // another.
    if (cred_capable(cred, CAP_DAC_READ_SEARCH) && (mask == MAY_READ || (directory && !(mask & MAY_WRITE))))
        return 0;
    bool can = directory || !(mask & MAY_EXEC) || (st->mode & 0111);
    return can && cred_capable(cred, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

int inode_permission(struct inode *inode, u32 mask)
{
    const struct cred *cred = current_cred();
    struct kstat st;

    if (likely(cred_capable(cred, CAP_DAC_OVERRIDE)) && (inode_is_dir(inode) || !(mask & MAY_EXEC)))
        return 0;
    int err = inode->ops->getattr(inode, &st);
    return err ? err : cred_permission(cred, &st, mask);
}

int may_create(struct inode *dir)
{
    int err = inode_may_change(dir);
    return err ? err : inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct inode *victim)
{
    const struct cred *cred = current_cred();
    struct kstat folder, file;

    int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
    if (err || cred_capable(cred, CAP_FOWNER))
        return err;
    err = dir->ops->getattr(dir, &folder);
    if (err || !(folder.mode & S_ISVTX) || folder.uid == cred->fsuid)
        return err;
    err = victim->ops->getattr(victim, &file);
    if (err)
        return err;
    return file.uid == cred->fsuid ? 0 : -EPERM;
}

int may_own(struct inode *inode)
{
    const struct cred *cred = current_cred();
    struct kstat st;

    if (cred_capable(cred, CAP_FOWNER))
        return 0;
    int err = inode->ops->getattr(inode, &st);
    if (err)
        return err;
    return st.uid == cred->fsuid ? 0 : -EPERM;
}

static int may_change_owner(const struct cred *cred, const struct kstat *st, const struct attr_change *change)
{
    bool owner = st->uid == cred->fsuid;

    if (cred_capable(cred, CAP_CHOWN))
        return 0;
    if ((change->valid & ATTR_UID) && !(owner && change->uid == st->uid))
        return -EPERM;
    if ((change->valid & ATTR_GID) && !(owner && (change->gid == st->gid || cred_in_group(cred, change->gid))))
        return -EPERM;
    return 0;
}

// The set-group-id bit of a file that its group cannot execute stands for something else (mandatory locks) and stays.
static u32 without_set_id(u32 mode)
{
    mode &= ~(u32)S_ISUID;
    return mode & S_IXGRP ? mode & ~(u32)S_ISGID : mode;
}

int may_change(struct inode *inode, struct attr_change *change)
{
    const struct cred *cred = current_cred();
    struct kstat st;

    int err = inode->ops->getattr(inode, &st);
    if (err)
        return err;
    if (change->valid & (ATTR_UID | ATTR_GID))
        err = may_change_owner(cred, &st, change);
    if (!err && (change->valid & ATTR_MODE))
        err = may_own(inode);
    if (err)
        return err;
    if ((change->valid & ATTR_MODE) && !cred_in_group(cred, st.gid) && !cred_capable(cred, CAP_FSETID))
        change->mode &= ~(u32)S_ISGID;
    bool chown = !(change->valid & ATTR_MODE) && !S_ISDIR(st.mode);
    if (chown && without_set_id(st.mode) != st.mode) {
        change->mode = without_set_id(st.mode) & 07777;
        change->valid |= ATTR_MODE;
    }
    return 0;
}

int may_set_times(struct inode *inode, bool explicit)
{
    int err = may_own(inode);
    if (err != -EPERM || explicit)
        return err;
    return inode_permission(inode, MAY_WRITE);
}

int drop_set_id(struct inode *inode)
{
    struct kstat st;

    if (likely(capable(CAP_FSETID)) || !S_ISREG(inode->mode) || !inode->ops->setattr)
        return 0;
    int err = inode->ops->getattr(inode, &st);
    if (err || without_set_id(st.mode) == st.mode)
        return err;
    struct attr_change change = { .valid = ATTR_MODE, .mode = without_set_id(st.mode) & 07777 };
    return inode->ops->setattr(inode, &change);
}

struct new_owner new_owner_of(u32 mode, u32 dir_mode, u32 dir_gid)
{
    const struct cred *cred = current_cred();
    struct new_owner owner = { .mode = mode, .uid = cred->fsuid, .gid = cred->fsgid };

    if (!(dir_mode & S_ISGID))
        return owner;
    owner.gid = dir_gid;
    if (S_ISDIR(mode))
        owner.mode |= S_ISGID;
    else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !cred_in_group(cred, dir_gid) &&
             !cred_capable(cred, CAP_FSETID))
        owner.mode &= ~(u32)S_ISGID;
    return owner;
}
