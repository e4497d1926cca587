// SPDX-License-Identifier: BSD-3-Clause
// eventfd(2): a counter that readers take and writers add to.
#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/ipc/eventfd.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"

// <linux/eventfd.h> came after the headers this is built with.
enum { EFD_SEMAPHORE = 1, EFD_CLOEXEC = O_CLOEXEC, EFD_NONBLOCK = O_NONBLOCK };

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    struct spinlock lock;
    u64 count; // written under lock, looked at without it
    bool semaphore;
    struct wait_queue readable, writable;
};

static bool take(struct eventfd *event, u64 *ret_value)
{
    spin_lock(&event->lock);
    u64 value = event->semaphore ? MIN(event->count, 1ul) : event->count;
    WRITE_ONCE(event->count, event->count - value);
    spin_unlock(&event->lock);
    *ret_value = value;
    return value != 0;
}

static bool add(struct eventfd *event, u64 value)
{
    spin_lock(&event->lock);
    bool fits = value <= COUNT_MAX - event->count;
    if (fits)
        WRITE_ONCE(event->count, event->count + value);
    spin_unlock(&event->lock);
    return fits;
}

static long event_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct eventfd *event = file->private;
    u64 value;

    if (uio->left < sizeof(value))
        return -EINVAL;
    while (!take(event, &value)) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event(&event->readable, READ_ONCE(event->count), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
    wake_up_all(&event->writable);
    return uio_put(uio, &value, sizeof(value)) ? -EFAULT : (long)sizeof(value);
}

static long event_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct eventfd *event = file->private;
    u64 value;

    if (uio->left < sizeof(value))
        return -EINVAL;
    if (uio_take(uio, &value, sizeof(value)))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    while (!add(event, value)) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event(&event->writable, value <= COUNT_MAX - READ_ONCE(event->count), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
    wake_up_all(&event->readable);
    return (long)sizeof(value);
}

static u32 event_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *event = file->private;
    poll_wait_pair(table, &event->readable, &event->writable);
    u64 count = READ_ONCE(event->count);
    return (count ? POLLIN | POLLRDNORM : 0) | (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void describe(struct file *file, struct proc_text *text)
{
    const struct eventfd *event = file->private;
    proc_print(text, "eventfd-count: %16lx\n", READ_ONCE(event->count));
}

static void release(struct file *file) { kfree(file->private); }

static const struct file_ops event_ops = { .read = event_read,
                                           .write = event_write,
                                           .poll = event_poll,
                                           .describe = describe,
                                           .release = release,
                                           .stream = true,
                                           .unmoved = true };

bool file_is_eventfd(const struct file *file) { return file->ops == &event_ops; }

void eventfd_signal(struct file *file)
{
    struct eventfd *event = file->private;

    (void)add(event, 1);
    wake_up_all(&event->readable);
}

long sys_eventfd2(u32 initial, int flags)
{
    struct file *file;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    struct eventfd *event = kzalloc(sizeof(*event));
    int err = event ? file_alloc(NULL, O_RDWR | ((u32)flags & O_NONBLOCK), &file) : -ENOMEM;
    if (err) {
        kfree(event);
        return err;
    }
    event->count = initial;
    event->semaphore = flags & EFD_SEMAPHORE;
    spin_init(&event->lock, LOCK_EVENT);
    wait_queue_init(&event->readable);
    wait_queue_init(&event->writable);
    file->private = event;
    file->ops = &event_ops;
    file->path = kstrdup("anon_inode:[eventfd]");
    return files_give(file, 0, flags & EFD_CLOEXEC);
}

long sys_eventfd(u32 initial) { return sys_eventfd2(initial, 0); }
