// SPDX-License-Identifier: BSD-3-Clause
// What is mounted where.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/mount.h"
#include "libos/mem/heap.h"

enum { MAX_MOUNTS = 256 };

struct mount {
    struct list_head link; // in the order of mounting
    struct fs_instance *instance;
    struct inode *dir;   // that it hides, owned; NULL: "/", or detached
    struct inode *below; // root of the file system that dir belongs to; only compared
    char *source, *target, *type;
    u32 id;
    bool expiring; // umount2 with MNT_EXPIRE was here
};

static struct mutex changes = MUTEX_INIT(LOCK_MOUNT_CHANGES);
static struct mutex table_lock = MUTEX_INIT(LOCK_MOUNTS); // both lists, inode.mounted, inode.covered
static struct list_head mounts = LIST_INIT(mounts);
static struct list_head detached = LIST_INIT(detached); // still held by somebody
static size_t count;                                    // in both

static void mount_free(struct mount *m)
{
    if (!m)
        return;
    kfree(m->source);
    kfree(m->target);
    kfree(m->type);
    kfree(m);
}

static struct mount *mount_new(const char *source, const char *target, const char *type)
{
    static u32 last_id = 19;
    struct mount *m = kzalloc(sizeof(*m));

    if (!m)
        return NULL;
    m->source = kstrdup(source);
    m->target = kstrdup(target);
    m->type = kstrdup(type);
    m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    if (m->source && m->target && m->type)
        return m;
    mount_free(m);
    return NULL;
}

struct inode *mount_cross(struct inode *inode)
{
    while (READ_ONCE(inode->mounted)) {
        mutex_lock(&table_lock);
        struct inode *root = inode->mounted ? inode_ref(inode->mounted) : NULL;
        mutex_unlock(&table_lock);
        if (!root)
            break;
        inode_unref(inode);
        inode = root;
    }
    return inode;
}

struct inode *mount_covered(struct inode *root)
{
    if (!READ_ONCE(root->covered))
        return NULL;
    mutex_lock(&table_lock);
    struct inode *dir = root->covered ? inode_ref(root->covered) : NULL;
    mutex_unlock(&table_lock);
    return dir;
}

static struct inode *root_of(const struct inode *inode) { return inode->instance ? inode->instance->root : NULL; }

// Locked.
static struct mount *find(const struct inode *root)
{
    struct mount *m;

    list_for_each (m, &mounts, link)
        if (m->instance->root == root)
            return m;
    return NULL;
}

int mount_attach(struct inode *dir, struct inode *root, const char *source, const char *target, const char *type)
{
    struct mount *m = mount_new(source, target, type);
    int err = 0;

    if (!m)
        return -ENOMEM;
    m->instance = root->instance;
    mutex_lock(&changes);
    mutex_lock(&table_lock);
    // What is mounted here since the caller looked stays: one on top of the other only from its root on.
    if (dir && dir->mounted)
        err = -EBUSY;
    else if (count == MAX_MOUNTS)
        err = -ENOSPC;
    if (!err && dir) {
        m->dir = inode_ref(dir);
        m->below = root_of(dir);
        WRITE_ONCE(root->covered, dir);
        WRITE_ONCE(dir->mounted, root);
    }
    if (!err) {
        list_add_tail(&m->link, &mounts);
        count++;
    }
    mutex_unlock(&table_lock);
    mutex_unlock(&changes);
    if (err)
        mount_free(m);
    return err;
}

static bool is_busy(struct fs_instance *instance) { return instance->ops->busy && instance->ops->busy(instance); }

// changes held, the instance is in no list. What was written and cannot be kept is told by the result.
static int finish(struct mount *m)
{
    struct fs_instance *instance = m->instance;
    int err = instance->ops->sync ? instance->ops->sync(instance) : 0;

    if (instance->ops->destroy)
        instance->ops->destroy(instance);
    mount_free(m);
    return err;
}

// Those detached that nobody holds any more. changes held.
static int reap(void)
{
    struct mount *m, *next;
    int err = 0;

    list_for_each_safe (m, next, &detached, link) {
        if (is_busy(m->instance))
            continue;
        mutex_lock(&table_lock);
        list_del(&m->link);
        count--;
        mutex_unlock(&table_lock);
        int failed = finish(m);
        err = err ? err : failed;
    }
    return err;
}

void mount_reap(void)
{
    mutex_lock(&changes);
    (void)!reap(); // an error of a volume was told by fsync, or is by the next
    mutex_unlock(&changes);
}

static bool has_mounts(const struct mount *m)
{
    struct mount *other;

    list_for_each (other, &mounts, link)
        if (other->dir && (other->below == m->instance->root || other->dir == m->instance->root))
            return true;
    return false;
}

// Locked, both. It and everything that stands on it go to `gone`: no path leads there any more. The references of the
// directories that they hid are the caller's to give up, without the lock.
static void detach_tree(struct mount *m, struct list_head *gone)
{
    struct mount *other;
    bool again = true;

    while (again) {
        again = false;
        list_for_each (other, &mounts, link) {
            if (!other->dir || (other->below != m->instance->root && other->dir != m->instance->root))
                continue;
            detach_tree(other, gone); // at most MAX_MOUNTS deep
            again = true;
            break;
        }
    }
    WRITE_ONCE(m->dir->mounted, NULL);
    WRITE_ONCE(m->instance->root->covered, NULL);
    list_del(&m->link);
    list_add_tail(&m->link, gone);
}

// Locked, both. What stands in the way of taking it out; MNT_EXPIRE's two steps.
static int may_detach(struct mount *m, u32 flags)
{
    if (!m->dir)
        return -EBUSY;
    if (flags & MNT_DETACH)
        return 0;
    if (has_mounts(m))
        return -EBUSY;
    // No path leads to it while it is asked whether it is busy: walks wait for the lock that is held.
    if (is_busy(m->instance))
        return -EBUSY;
    if (!(flags & MNT_EXPIRE) || m->expiring)
        return 0;
    m->expiring = true;
    return -EAGAIN;
}

static int detach_locked(struct inode *root, u32 flags, struct list_head *gone)
{
    mutex_lock(&table_lock);
    struct mount *m = find(root);
    int err = m ? may_detach(m, flags) : -EINVAL;
    if (!err)
        detach_tree(m, gone);
    mutex_unlock(&table_lock);
    return err;
}

int mount_detach(struct inode *root, u32 flags)
{
    struct list_head gone = LIST_INIT(gone);
    struct mount *m;

    mutex_lock(&changes);
    inode_unref(root); // the table's own reference keeps it: nobody else can take that away now
    int err = detach_locked(root, flags, &gone);
    while (!list_empty(&gone)) {
        m = list_first(&gone, struct mount, link);
        list_del(&m->link);
        inode_unref(m->dir);
        m->dir = NULL;
        mutex_lock(&table_lock);
        list_add_tail(&m->link, &detached);
        mutex_unlock(&table_lock);
    }
    int failed = reap();
    mutex_unlock(&changes);
    return err ? err : failed;
}

int mount_reflag(struct inode *root, u32 flags)
{
    mutex_lock(&changes);
    mutex_lock(&table_lock);
    struct mount *m = find(root);
    int err = m ? instance_set_flags(m->instance, flags) : -EINVAL;
    mutex_unlock(&table_lock);
    mutex_unlock(&changes);
    return err;
}

// changes held: what is in the lists stays.
static int sync_list(struct list_head *list)
{
    struct mount *m;
    int err = 0;

    list_for_each (m, list, link) {
        int failed = m->instance->ops->sync ? m->instance->ops->sync(m->instance) : 0;
        err = err ? err : failed;
    }
    return err;
}

int mount_sync_all(void)
{
    mutex_lock(&changes);
    int err = sync_list(&mounts), failed = sync_list(&detached);
    err = err ? err : failed;
    failed = reap();
    mutex_unlock(&changes);
    return err ? err : failed;
}

int mount_sync(struct inode *inode)
{
    struct fs_instance *instance = inode->instance;
    return instance && instance->ops->sync ? instance->ops->sync(instance) : 0;
}

void mount_for_each(void (*visit)(const struct mount_view *view, void *arg), void *arg)
{
    struct mount *m, *parent;

    mutex_lock(&table_lock);
    list_for_each (m, &mounts, link) {
        parent = m->below ? find(m->below) : NULL;
        struct mount_view view = {
            .source = m->source,
            .target = m->target,
            .type = m->type,
            .flags = __atomic_load_n(&m->instance->flags, __ATOMIC_RELAXED),
            .id = m->id,
            .parent = parent ? parent->id : 1,
            .dev = m->id,
        };
        visit(&view, arg);
    }
    mutex_unlock(&table_lock);
}

int instance_set_flags(struct fs_instance *instance, u32 flags)
{
    u32 old = __atomic_exchange_n(&instance->flags, flags, __ATOMIC_SEQ_CST);

    // A writer counts itself before it looks at the flags (inode_claim): one of the two sees the other.
    if (!(flags & MS_RDONLY) || (old & MS_RDONLY) || __atomic_load_n(&instance->writers, __ATOMIC_SEQ_CST) == 0)
        return 0;
    __atomic_store_n(&instance->flags, old, __ATOMIC_SEQ_CST);
    return -EBUSY;
}

u32 instance_statfs_flags(u32 mount_flags)
{
    enum { ST_VALID = 0x20, ST_NOATIME = 0x400, ST_NODIRATIME = 0x800, ST_RELATIME = 0x1000 }; // statfs(2)
    u32 flags = ST_VALID | (mount_flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));

    if (mount_flags & MS_NOATIME)
        flags |= ST_NOATIME;
    else if (!(mount_flags & MS_STRICTATIME))
        flags |= ST_RELATIME;
    return flags | (mount_flags & MS_NODIRATIME ? (u32)ST_NODIRATIME : 0);
}
