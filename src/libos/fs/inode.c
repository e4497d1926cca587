// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/inode.h"
#include "libos/fs/instance.h"
#include "libos/fs/locks.h"
#include "libos/fs/permission.h"
#include "libos/vm/vm.h"

void inode_init(struct inode *inode, const struct inode_ops *ops, u32 mode, u64 ino)
{
    inode->ops = ops;
    inode->refs = 1;
    inode->mode = mode;
    inode->ino = ino;
    mutex_init(&inode->lock, LOCK_INODE);
}

struct inode *inode_ref(struct inode *inode)
{
    __atomic_fetch_add(&inode->refs, 1, __ATOMIC_RELAXED);
    return inode;
}

bool inode_unref_is_last(struct inode *inode)
{
    if (__atomic_fetch_sub(&inode->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return false;
    file_locks_free(inode);
    vm_object_free(inode->object); // nothing of it is mapped: a mapping holds the file
    inode->object = NULL;
    return true;
}

void inode_unref(struct inode *inode)
{
    if (inode_unref_is_last(inode))
        inode->ops->release(inode);
}

u64 inode_new_number(void)
{
    static u64 last = 1 << 20; // above those of the image
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

// A new owner does not get the old one's set-id bits (chown(2)): the change with the mode that is left.
static int without_set_ids(struct inode *inode, struct attr_change *change)
{
    struct kstat st;

    if (!(change->valid & (ATTR_UID | ATTR_GID)) || (change->valid & ATTR_MODE) || inode_is_dir(inode))
        return 0;
    int err = inode->ops->getattr(inode, &st);
    u32 lost = S_ISUID | ((st.mode & S_IXGRP) ? S_ISGID : 0u);
    if (err || !(st.mode & lost))
        return err;
    change->valid |= ATTR_MODE;
    change->mode = st.mode & 07777 & ~lost;
    return 0;
}

int inode_setattr(struct inode *inode, const struct attr_change *wanted)
{
    struct attr_change all = *wanted;
    const struct attr_change *change = &all;

    if (!inode->ops->setattr)
        return -EROFS;
    int without = without_set_ids(inode, &all);
    if (without)
        return without;
    bool resizes = change->valid & ATTR_SIZE;
    int err = resizes ? inode_claim(inode, 1) : inode_may_change(inode);
    if (err)
        return err;
    err = inode->ops->setattr(inode, change);
    if (!err && resizes)
        err = drop_set_id(inode);
    if (resizes)
        inode_done(inode, 1);
    if (!err && (change->valid & ATTR_SIZE))
        vm_truncated(READ_ONCE(inode->object), change->size);
    return err;
}

int inode_write_back(struct inode *inode, u64 first, u64 end)
{
    int err = 0;
    mutex_lock(&inode->lock);
    if (inode->object && inode->ops->object_ops->write)
        err = vm_object_write_back(inode->object, first, end);
    mutex_unlock(&inode->lock);
    return err;
}

static int claim(struct inode *inode, s32 by)
{
    s32 now = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);
    do {
        if (by > 0 ? now < 0 : now > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&inode->writers, &now, now + by, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return 0;
}

static void count_writers(struct inode *inode, s32 change)
{
    if (inode->instance)
        __atomic_fetch_add(&inode->instance->writers, change, __ATOMIC_SEQ_CST);
}

int inode_claim(struct inode *inode, s32 by)
{
    if (by < 0)
        return claim(inode, by);
    count_writers(inode, by); // first: see instance_set_flags
    int err = inode_may_change(inode);
    if (!err)
        err = claim(inode, by);
    if (err)
        count_writers(inode, -by);
    return err;
}

void inode_done(struct inode *inode, s32 by)
{
    __atomic_fetch_sub(&inode->writers, by, __ATOMIC_ACQ_REL);
    if (by > 0)
        count_writers(inode, -by);
}
