// SPDX-License-Identifier: BSD-3-Clause
// Pipes as files: what fstat(2) shows of both ends, and what opening one again through /proc leads to.
#include "libos/ipc/pipe.h"

#include "libos/mem/heap.h"
#include "libos/time/time.h"

enum { PIPE_DEV = 0xf1 };

// The inode of a pipe that no folder holds, which both ends are of; opened again through /proc/PID/fd it is a FIFO.
struct pipe_inode {
    struct inode inode;
    struct kstat st; // guarded by inode.lock
};

static struct pipe_inode *pipe_inode_of(struct inode *inode) { return container_of(inode, struct pipe_inode, inode); }

static int pipe_getattr(struct inode *inode, struct kstat *ret_stat)
{
    mutex_lock(&inode->lock);
    *ret_stat = pipe_inode_of(inode)->st;
    mutex_unlock(&inode->lock);
    return 0;
}

static int pipe_setattr(struct inode *inode, const struct attr_change *change)
{
    struct kstat *st = &pipe_inode_of(inode)->st;

    if (change->valid & ATTR_SIZE)
        return -EINVAL;
    mutex_lock(&inode->lock);
    if (change->valid & ATTR_MODE)
        st->mode = (st->mode & S_IFMT) | (change->mode & 07777);
    if (change->valid & ATTR_UID)
        st->uid = change->uid;
    if (change->valid & ATTR_GID)
        st->gid = change->gid;
    if (change->valid & ATTR_ATIME)
        st->atime = change->atime;
    if (change->valid & ATTR_MTIME)
        st->mtime = change->mtime;
    st->ctime = time_realtime_ns();
    mutex_unlock(&inode->lock);
    return 0;
}

static int pipe_statfs(struct inode *inode, struct statfs *ret_statfs)
{
    ret_statfs->f_type = 0x50495045; // PIPEFS_MAGIC
    ret_statfs->f_bsize = ret_statfs->f_frsize = PAGE_SIZE;
    ret_statfs->f_namelen = 255;
    return 0;
}

static void pipe_inode_release(struct inode *inode) { kfree(pipe_inode_of(inode)); }

static const struct inode_ops pipe_inode_ops = {
    .getattr = pipe_getattr,
    .setattr = pipe_setattr,
    .open = fifo_open,
    .statfs = pipe_statfs,
    .release = pipe_inode_release,
};

struct inode *pipe_inode_alloc(void)
{
    struct pipe_inode *p = kzalloc(sizeof(*p));
    s64 now = time_realtime_ns();

    if (!p)
        return NULL;
    inode_init(&p->inode, &pipe_inode_ops, S_IFIFO | 0600, inode_new_number());
    p->st = (struct kstat){
        .dev = PIPE_DEV,
        .ino = p->inode.ino,
        .mode = S_IFIFO | 0600,
        .nlink = 1,
        .blksize = PAGE_SIZE,
        .atime = now,
        .mtime = now,
        .ctime = now,
    };
    return &p->inode;
}
