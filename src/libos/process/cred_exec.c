// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/instance.h"
#include "libos/process/cred.h"
#include "libos/process/process.h"

// Ids by the file's set-id bits. Those of host folders are the host's word, which makes nobody root.
static int take_set_ids(struct file *file, struct cred *new)
{
    struct kstat st;

    if (current_process()->no_new_privs || file->inode->ops->ignores_set_id ||
        inode_mount_flags(file->inode, MS_NOSUID) || inode_mount_flags(file->inode, MS_NOSUID))
        return 0;
    int err = file->inode->ops->getattr(file->inode, &st);
    if (err)
        return err;
    if (st.mode & S_ISUID)
        new->euid = st.uid;
    if ((st.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        new->egid = st.gid;
    return 0;
}

// No file here has capabilities of its own: root's are all, others' none.
static void transform_capabilities(struct cred *new, const struct cred *old, bool set_id)
{
    bool by_root = !(new->securebits &SECURE_NOROOT);
    bool root = by_root && (!new->euid || !new->uid), effective = by_root && !new->euid;

    new->ambient = set_id ? 0 : old->ambient;
    new->permitted = (root ? old->bounding | old->inheritable : 0) | new->ambient;
    new->effective = effective ? new->permitted : new->ambient;
}

int cred_for_exec(struct file *file, struct cred **ret_new, bool *ret_secure)
{
    const struct cred *old = current_cred();
    struct cred *new = cred_copy(old, NULL, 0);

    if (!new)
        return -ENOMEM;
    int err = take_set_ids(file, new);
    if (err) {
        cred_unref(new);
        return err;
    }
    bool set_id = new->euid != old->euid || new->egid != old->egid;
    new->securebits &= ~(u32)SECURE_KEEP_CAPS;
    new->suid = new->fsuid = new->euid;
    new->sgid = new->fsgid = new->egid;
    transform_capabilities(new, old, set_id);
    bool gained = new->uid &&new->effective &&new->effective != new->ambient;
    *ret_secure = set_id || new->uid != new->euid || new->gid != new->egid || gained;
    *ret_new = new;
    return 0;
}
