// SPDX-License-Identifier: BSD-3-Clause
#include "fake_kernel.h"

#include "base/string.h"

struct thread fake_thread;

struct thread *current_thread(void) { return &fake_thread; }

struct mm *fake_mm_new(void)
{
    struct mm *mm = NULL;
    if (mm_create(&mm) != 0)
        __builtin_trap();
    fake_thread.mm = mm;
    return mm;
}

// One thread: a lock that is not free is a bug of the vm.
void mutex_lock_slow(struct mutex *mutex) { __builtin_trap(); }
void mutex_unlock_slow(const struct mutex *address) { __builtin_trap(); }
void spin_lock_slow(struct spinlock *lock) { __builtin_trap(); }

static void file_get(void *file) { ((struct fake_file *)file)->refs++; }
static void file_put(void *file) { ((struct fake_file *)file)->refs--; }

static long file_read(void *opaque, u64 offset, void *buf, size_t size)
{
    struct fake_file *file = opaque;
    file->reads++;
    if (offset >= file->size)
        return 0;
    size = MIN(size, file->size - offset);
    if (file->bad_page != UINT64_MAX && offset / PAGE_SIZE <= file->bad_page &&
        (offset + size - 1) / PAGE_SIZE >= file->bad_page)
        return -EIO;
    size = MIN(size, 5000ul); // short reads
    memcpy(buf, file->bytes + offset, size);
    return (long)size;
}

static long file_write(void *opaque, u64 offset, const void *buf, size_t size)
{
    struct fake_file *file = opaque;
    file->writes++;
    if (offset + size > file->size)
        return -EFBIG;
    memcpy(file->bytes + offset, buf, size);
    return (long)size;
}

static u64 size_of(void *file) { return ((struct fake_file *)file)->size; }
static u64 inode_of(void *file) { return 42; }

static size_t path_of(void *file, char *buf, size_t size)
{
    memcpy(buf, "/lib/x.so", MIN(size, 10ul));
    return 9;
}

const struct vm_file_ops fake_file_ops = {
    .get = file_get,
    .put = file_put,
    .read = file_read,
    .write = file_write,
    .size = size_of,
    .inode = inode_of,
    .path = path_of,
};
