// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/learn.h"
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"

static struct slot_wake wake;
struct thread fake_thread = { .wake = &wake };

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
void wait_queue_init(struct wait_queue *queue) {}
void waiter_init(struct waiter *waiter) {}
void wait_add(struct wait_queue *queue, struct waiter *waiter) {}
void wait_remove(struct wait_queue *queue, struct waiter *waiter) {}
int waiter_sleep_uninterruptible(struct waiter *waiter, s64 deadline_ns) { __builtin_trap(); }
size_t wake_up_all(struct wait_queue *queue) { return 0; }
void (*thread_sleeps_hook)(struct thread *self);

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

static u64 object_size(void *owner) { return ((struct fake_file *)owner)->size; }

static int object_fill(void *owner, u64 index, u64 count, u8 *bytes)
{
    struct fake_file *file = owner;
    for (u64 i = 0; i < count; i++, index++, bytes += PAGE_SIZE) {
        if (index == file->bad_page)
            return -EIO;
        if (index * PAGE_SIZE < file->size)
            memcpy(bytes, file->bytes + index * PAGE_SIZE, MIN(PAGE_SIZE, file->size - index * PAGE_SIZE));
    }
    return 0;
}

static int object_write(void *owner, u64 index, const u8 *page)
{
    struct fake_file *file = owner;
    u64 start = index * PAGE_SIZE;
    file->writes++;
    if (start < file->size)
        memcpy(file->bytes + start, page, MIN(PAGE_SIZE, file->size - start));
    return 0;
}

static const struct vm_object_ops kept_ops = { .size = object_size, .fill = object_fill, .write = object_write };
static const struct vm_object_ops volatile_ops = { .size = object_size, .fill = object_fill };

static struct vm_object *object_of(void *opaque)
{
    struct fake_file *file = opaque;
    if (!file->object)
        file->object = vm_object_new(&file->lock, file->volatile_pages ? &volatile_ops : &kept_ops, file);
    return file->object;
}

static int file_sync(void *opaque, u64 offset, u64 len)
{
    struct fake_file *file = opaque;
    if (file->volatile_pages)
        return 0;
    mutex_lock(&file->lock);
    int err = vm_object_write_back(file->object, offset / PAGE_SIZE,
                                   len > UINT64_MAX / 2 ? UINT64_MAX : (offset + len) / PAGE_SIZE);
    mutex_unlock(&file->lock);
    return err;
}

void fake_file_done(struct fake_file *file)
{
    vm_object_free(file->object);
    file->object = NULL;
}

int fake_file_get(struct fake_file *file, u64 offset)
{
    u8 *page;
    if (!vm_object_has(file->object, offset / PAGE_SIZE))
        return file->bytes[offset];
    mutex_lock(&file->lock);
    int value = vm_object_open(file->object, offset / PAGE_SIZE, false, &page);
    if (!value)
        value = fake_read((u64)page + offset % PAGE_SIZE);
    vm_object_close(file->object, offset / PAGE_SIZE);
    mutex_unlock(&file->lock);
    return value;
}

void fake_file_set(struct fake_file *file, u64 offset, u8 value)
{
    u8 *page;
    file->bytes[offset] = value;
    if (!vm_object_has(file->object, offset / PAGE_SIZE))
        return;
    mutex_lock(&file->lock);
    if (vm_object_open(file->object, offset / PAGE_SIZE, true, &page) != 0 ||
        fake_write((u64)page + offset % PAGE_SIZE, value) != 0)
        fake_log_errors++;
    vm_object_close(file->object, offset / PAGE_SIZE);
    mutex_unlock(&file->lock);
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
    .object = object_of,
    .sync = file_sync,
    .size = size_of,
    .inode = inode_of,
    .path = path_of,
};

// Nothing is learned here.
bool learn_is_on(void) { return false; }
void learn_note(const struct vm_filemap *map, u64 first, u64 count) {}
