// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/file.h"
#include "base/string.h"
#include "libos/fs/instance.h"
#include "libos/fs/locks.h"
#include "libos/fs/memfs.h"
#include "libos/fs/notify.h"
#include "libos/fs/place.h"
#include "libos/fs/volfs/volfs.h"
#include "libos/mem/heap.h"

static u64 files_open; // atomic
u64 file_count(void) { return __atomic_load_n(&files_open, __ATOMIC_RELAXED); }

int file_alloc(struct inode *inode, u32 flags, struct file **ret_file)
{
    static u64 next_key;
    struct file *file = kzalloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->refs = 1;
    file->flags = flags;
    file->inode = inode ? inode_ref(inode) : NULL;
    file->owner_key = __atomic_add_fetch(&next_key, 1, __ATOMIC_RELAXED);
    mutex_init(&file->offset_lock, LOCK_FILE_OFFSET);
    spin_init(&file->watch_lock, LOCK_WATCHES);
    __atomic_fetch_add(&files_open, 1, __ATOMIC_RELAXED);
    *ret_file = file;
    return 0;
}

struct fs_special fs_special;

struct file *file_ref(struct file *file)
{
    __atomic_fetch_add(&file->refs, 1, __ATOMIC_RELAXED);
    return file;
}

void file_unref(struct file *file)
{
    if (__atomic_fetch_sub(&file->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    file_locks_release_description(file);
    if (unlikely(file->watched))
        fs_special.forget_watched(file);
    if (file->opened)
        notify_file(file, file_writable(file) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (file->ops && file->ops->release)
        file->ops->release(file);
    if (file->claims)
        inode_done(file->inode, 1);
    place_put(file->place);
    notify_closed(file);
    if (file->inode)
        inode_unref(file->inode);
    kfree(file->path);
    kfree(file);
    __atomic_fetch_sub(&files_open, 1, __ATOMIC_RELAXED);
}

void file_change_flags(struct file *file, u32 clear, u32 set)
{
    u32 old = file->flags;
    while (!__atomic_compare_exchange_n(&file->flags, &old, (old & ~clear) | set, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        ;
}

// The fourth access mode, 3, allows neither (open(2)).
bool file_readable(const struct file *file)
{
    u32 mode = file->flags & O_ACCMODE;
    return (mode == O_RDONLY || mode == O_RDWR) && !(file->flags & O_PATH);
}

bool file_writable(const struct file *file)
{
    u32 mode = file->flags & O_ACCMODE;
    return (mode == O_WRONLY || mode == O_RDWR) && !(file->flags & O_PATH);
}

long file_read_at(struct file *file, u64 offset, void *buf, size_t size)
{
    struct iovec one;
    struct uio uio;
    size_t done = 0;

    if (!file->ops->read)
        return inode_is_dir(file->inode) ? -EISDIR : -EINVAL;
    // A short read is not the end of the file: go on until nothing comes.
    while (done < size) {
        uio_kernel(&uio, &one, (u8 *)buf + done, size - done);
        long n = file->ops->read(file, &uio, &offset);
        if (n < 0)
            return done ? (long)done : n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (long)done;
}

u64 file_size(struct file *file)
{
    struct kstat st;
    return file->inode && file->inode->ops->getattr(file->inode, &st) == 0 ? st.size : 0;
}

size_t file_path(struct file *file, char *buf, size_t size)
{
    const char *path = file->path ? file->path : "";
    long found = -ENOENT;
    if (file->place)
        found = place_path(file->place, buf, size);
    else if (!file->path && file->inode && inode_is_dir(file->inode))
        found = inode_path(file->inode, buf, size);
    if (found >= 0)
        return (size_t)found;
    size_t len = MIN(strlen(path), size - 1);
    memcpy(buf, path, len);
    buf[len] = '\0';
    return len;
}

static void vm_get(void *file) { file_ref(file); }
static void vm_put(void *file) { file_unref(file); }
static long vm_read(void *file, u64 offset, void *buf, size_t size) { return file_read_at(file, offset, buf, size); }

static struct vm_object *vm_object(void *arg)
{
    struct inode *inode = ((struct file *)arg)->inode;
    if (!inode || !inode->ops->object_ops)
        return err_ptr(-ENODEV);
    mutex_lock(&inode->lock);
    if (!inode->object)
        WRITE_ONCE(inode->object, vm_object_new(&inode->lock, inode->ops->object_ops, inode));
    struct vm_object *object = inode->object;
    mutex_unlock(&inode->lock);
    return object;
}

static void program_done(void *arg)
{
    struct file *file = arg;
    inode_done(file->inode, -1);
    file_unref(file);
}

static int vm_may_map(void *arg, bool shared, u32 prot, bool *may_write, bool *no_exec)
{
    u32 seals;
    *no_exec = inode_mount_flags(((struct file *)arg)->inode, MS_NOEXEC);
    if ((prot & PROT_EXEC) && *no_exec)
        return -EPERM;
    if (!shared || memfs_get_seals(((struct file *)arg)->inode, &seals) != 0 ||
        !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return 0;
    *may_write = false;
    return prot & PROT_WRITE ? -EPERM : 0;
}

static int vm_write_back(void *arg, u64 offset, u64 len)
{
    u64 end = offset + MIN(len, UINT64_MAX - PAGE_MASK - offset);
    return inode_write_back(((struct file *)arg)->inode, offset / PAGE_SIZE, DIV_ROUND_UP(end, PAGE_SIZE));
}

static int vm_punch(void *arg, u64 offset, u64 len)
{
    struct file *file = arg;
    if (!file->ops->fallocate)
        return -EOPNOTSUPP;
    return file->ops->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
}

static int vm_gate_table(void *arg, u64 which, const void **ret_table, size_t *ret_size)
{
    struct file *file = arg;

    if (file->inode && file->inode->ops == &volfs_ops)
        return volfs_gate_table(file->inode, which, ret_table, ret_size);
    return memfs_gate_table(arg, which, ret_table, ret_size);
}

static u64 vm_size(void *file) { return file_size(file); }
static u64 vm_inode(void *file) { return ((struct file *)file)->inode ? ((struct file *)file)->inode->ino : 0; }
static size_t vm_path(void *file, char *buf, size_t size) { return file_path(file, buf, size); }

const struct vm_file_ops file_vm_ops = {
    .get = vm_get,
    .put = vm_put,
    .read = vm_read,
    .object = vm_object,
    .sync = vm_write_back,
    .program_done = program_done,
    .may_map = vm_may_map,
    .punch = vm_punch,
    .gate_table = vm_gate_table,
    .size = vm_size,
    .inode = vm_inode,
    .path = vm_path,
};
