// SPDX-License-Identifier: BSD-3-Clause
// Root, working directory and umask of a process.
#include "libos/fs/file.h"
#include "libos/mem/heap.h"

static int context_alloc(struct inode *root, struct inode *cwd, u32 umask, struct fs_context **ret_context)
{
    struct fs_context *context = kzalloc(sizeof(*context));
    if (!context)
        return -ENOMEM;
    context->refs = 1;
    context->umask = umask;
    context->root = inode_ref(root);
    context->cwd = inode_ref(cwd);
    mutex_init(&context->lock, LOCK_FS_CONTEXT);
    *ret_context = context;
    return 0;
}

int fs_context_create_initial(struct fs_context **ret_context)
{
    return context_alloc(fs_root, fs_root, 022, ret_context);
}

int fs_context_copy(struct fs_context *context, struct fs_context **ret_copy)
{
    mutex_lock(&context->lock);
    int err = context_alloc(context->root, context->cwd, READ_ONCE(context->umask), ret_copy);
    mutex_unlock(&context->lock);
    return err;
}

struct fs_context *fs_context_ref(struct fs_context *context)
{
    __atomic_fetch_add(&context->refs, 1, __ATOMIC_RELAXED);
    return context;
}

void fs_context_unref(struct fs_context *context)
{
    if (!context || __atomic_fetch_sub(&context->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    inode_unref(context->root);
    inode_unref(context->cwd);
    kfree(context);
}

long fs_context_cwd(struct fs_context *context, char *buf, size_t size)
{
    mutex_lock(&context->lock);
    struct inode *cwd = inode_ref(context->cwd);
    mutex_unlock(&context->lock);
    long len = inode_path(cwd, buf, size);
    inode_unref(cwd);
    return len;
}
