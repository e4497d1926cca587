// SPDX-License-Identifier: BSD-3-Clause
// Descriptor tables.
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/locks.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"

enum { FIRST_SIZE = 64, HARD_LIMIT = 1 << 16 };

struct slot {
    struct file *file;
    bool close_on_exec;
};

struct files {
    u32 refs;
    struct spinlock lock; // everything below; size grows only and, like limit, may be read without it
    struct slot *slots;
    u32 size, limit;
};

static struct files *table_alloc(u32 size)
{
    struct files *files = kzalloc(sizeof(*files));
    if (!files)
        return NULL;
    files->slots = kzalloc(size * sizeof(struct slot));
    if (!files->slots) {
        kfree(files);
        return NULL;
    }
    files->refs = 1;
    spin_init(&files->lock, LOCK_FILES);
    files->size = size;
    files->limit = 1024;
    return files;
}

int files_create_empty(struct files **ret_files)
{
    *ret_files = table_alloc(FIRST_SIZE);
    return *ret_files ? 0 : -ENOMEM;
}

int files_own(struct files *files, struct files **ret_own)
{
    if (__atomic_load_n(&files->refs, __ATOMIC_ACQUIRE) > 1)
        return files_copy(files, ret_own);
    *ret_own = files_ref(files);
    return 0;
}

// An empty table of at least the size of files, which stays locked. NULL when out of memory.
static struct files *table_alloc_and_lock(struct files *files)
{
    for (;;) {
        u32 size = READ_ONCE(files->size);
        struct files *copy = table_alloc(size);
        if (!copy)
            return NULL;
        spin_lock(&files->lock);
        if (files->size <= size)
            return copy;
        spin_unlock(&files->lock); // grown meanwhile
        kfree(copy->slots);
        kfree(copy);
    }
}

int files_copy(struct files *files, struct files **ret_copy)
{
    struct files *copy = table_alloc_and_lock(files);

    if (!copy)
        return -ENOMEM;
    for (u32 i = 0; i < files->size; i++) {
        copy->slots[i] = files->slots[i];
        if (copy->slots[i].file)
            file_ref(copy->slots[i].file);
    }
    copy->limit = files->limit;
    spin_unlock(&files->lock);
    *ret_copy = copy;
    return 0;
}

struct files *files_ref(struct files *files)
{
    __atomic_fetch_add(&files->refs, 1, __ATOMIC_RELAXED);
    return files;
}

// Ends a descriptor of the table.
static void drop(struct files *files, struct file *file)
{
    if (!file)
        return;
    void (*closed)(void) = file->ops ? file->ops->closed : NULL;
    if (file->ops && file->ops->flush)
        file->ops->flush(file);
    posix_locks_release(file, files);
    file_unref(file);
    if (closed)
        closed();
}

void files_unref(struct files *files)
{
    if (!files || __atomic_fetch_sub(&files->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    for (u32 i = 0; i < files->size; i++)
        drop(files, files->slots[i].file);
    kfree(files->slots);
    kfree(files);
}

void files_set_limit(struct files *files, u64 limit)
{
    spin_lock(&files->lock);
    WRITE_ONCE(files->limit, (u32)MIN(limit, (u64)HARD_LIMIT));
    spin_unlock(&files->lock);
}

// Enlarges the array so that fd fits. Called without the lock; another thread may have been faster.
static int grow(struct files *files, u32 fd)
{
    u32 size = READ_ONCE(files->size);
    while (size <= fd)
        size *= 2;
    struct slot *slots = kzalloc(size * sizeof(*slots)), *old;
    if (!slots)
        return -ENFILE;
    spin_lock(&files->lock);
    old = slots;
    if (size > files->size) {
        memcpy(slots, files->slots, files->size * sizeof(*slots));
        old = files->slots;
        files->slots = slots;
        WRITE_ONCE(files->size, size);
    }
    spin_unlock(&files->lock);
    kfree(old);
    return 0;
}

int files_install(struct file *file, int from, bool close_on_exec)
{
    struct files *files = current->files;
    int err;

    for (;;) {
        spin_lock(&files->lock);
        u32 fd = (u32)from;
        while (fd < files->size && files->slots[fd].file)
            fd++;
        if (fd >= files->limit) {
            spin_unlock(&files->lock);
            return from >= (int)files->limit ? -EINVAL : -EMFILE;
        }
        if (fd < files->size) {
            files->slots[fd] = (struct slot){ file, close_on_exec };
            spin_unlock(&files->lock);
            return (int)fd;
        }
        spin_unlock(&files->lock);
        err = grow(files, fd);
        if (err)
            return err;
    }
}

int files_replace(int fd, struct file *file, bool close_on_exec)
{
    struct files *files = current->files;

    if (fd < 0 || (u32)fd >= READ_ONCE(files->limit))
        return -EBADF;
    if ((u32)fd >= READ_ONCE(files->size)) {
        int err = grow(files, (u32)fd);
        if (err)
            return err;
    }
    spin_lock(&files->lock);
    struct file *old = files->slots[fd].file;
    files->slots[fd] = (struct slot){ file, close_on_exec };
    spin_unlock(&files->lock);
    drop(files, old);
    return fd;
}

struct file *files_get_path(int fd)
{
    struct files *files = current->files;
    struct file *file = NULL;

    spin_lock(&files->lock);
    if (fd >= 0 && (u32)fd < files->size && files->slots[fd].file)
        file = file_ref(files->slots[fd].file);
    spin_unlock(&files->lock);
    return file;
}

struct file *files_get(int fd)
{
    struct file *file = files_get_path(fd);
    if (file && (file->flags & O_PATH)) {
        file_unref(file);
        return NULL;
    }
    return file;
}

int files_close(int fd)
{
    struct files *files = current->files;
    struct file *file = NULL;

    spin_lock(&files->lock);
    if (fd >= 0 && (u32)fd < files->size) {
        file = files->slots[fd].file;
        files->slots[fd] = (struct slot){ 0 };
    }
    spin_unlock(&files->lock);
    drop(files, file);
    return file ? 0 : -EBADF;
}

void files_close_range(u32 first, u32 last, bool only_mark)
{
    struct files *files = current->files;
    for (u32 fd = first; fd <= last && fd < READ_ONCE(files->size); fd++) {
        int err = only_mark ? files_set_flags((int)fd, true) : files_close((int)fd);
        if (err)
            continue; // nothing is open there
    }
}

void files_close_on_exec(struct files *files)
{
    for (u32 fd = 0; fd < READ_ONCE(files->size); fd++) {
        struct file *file = NULL;
        spin_lock(&files->lock);
        if (fd < files->size && files->slots[fd].close_on_exec) {
            file = files->slots[fd].file;
            files->slots[fd] = (struct slot){ 0 };
        }
        spin_unlock(&files->lock);
        drop(files, file);
    }
}

bool files_closes_on_exec(struct files *files, int fd)
{
    spin_lock(&files->lock);
    bool closes = (u32)fd < files->size && files->slots[fd].file && files->slots[fd].close_on_exec;
    spin_unlock(&files->lock);
    return closes;
}

u32 files_limit(const struct files *files) { return READ_ONCE(files->limit); }
u32 files_table_size(const struct files *files) { return READ_ONCE(files->size); }

int files_get_flags(int fd)
{
    struct files *files = current->files;
    int flags = -EBADF;
    spin_lock(&files->lock);
    if (fd >= 0 && (u32)fd < files->size && files->slots[fd].file)
        flags = files->slots[fd].close_on_exec ? FD_CLOEXEC : 0;
    spin_unlock(&files->lock);
    return flags;
}

int files_set_flags(int fd, bool close_on_exec)
{
    struct files *files = current->files;
    int err = -EBADF;
    spin_lock(&files->lock);
    if (fd >= 0 && (u32)fd < files->size && files->slots[fd].file) {
        files->slots[fd].close_on_exec = close_on_exec;
        err = 0;
    }
    spin_unlock(&files->lock);
    return err;
}

int files_next(struct files *files, int from, struct file **ret_file)
{
    int found = -1;
    spin_lock(&files->lock);
    for (u32 fd = (u32)MAX(from, 0); fd < files->size; fd++)
        if (files->slots[fd].file) {
            found = (int)fd;
            if (ret_file)
                *ret_file = file_ref(files->slots[fd].file);
            break;
        }
    spin_unlock(&files->lock);
    return found;
}
