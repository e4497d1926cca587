// SPDX-License-Identifier: BSD-3-Clause
// Linux AIO: io_setup(2), io_submit(2), io_getevents(2). A request is carried out where it is submitted, as Linux does
// for everything that is not O_DIRECT; its completion waits in the context. A context is known by the address of a page
// that is mapped for it, and lives as long as that mapping: until io_destroy, exec or the end of the process. The page
// stays empty (without the magic number by which libaio knows a ring that it may read itself).
#include <linux/aio_abi.h>

#include "base/list.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/signal_mask.h"
#include "libos/ipc/eventfd.h"
#include "libos/mem/heap.h"
#include "libos/sync/wait.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"
#include "libos/vm/vm.h"
#include "trusted/log.h"

enum { EVENTS_MAX = 65536 }; // fs.aio-max-nr, of all contexts together

struct completion {
    struct list_head link;
    struct io_event event;
};

struct aio_context {
    struct list_head link; // of `contexts`
    u32 refs;              // the mapping's and one for each call at work
    const struct mm *mm;
    u64 addr;
    struct file *page;       // of zeros, which is mapped
    u32 room;                // completions that may wait
    volatile u32 waiting;    // in `completions`; looked at without the lock
    u32 pending;             // requests at work
    volatile bool destroyed; // looked at without the lock
    struct list_head completions;
    struct wait_queue ready;
};

static struct mutex lock = MUTEX_INIT(LOCK_AIO); // everything here but the members that wait queues guard
static struct list_head contexts = LIST_INIT(contexts);
static u32 promised; // the sum of room

// --- contexts

static struct aio_context *find(u64 addr)
{
    struct aio_context *context, *found = NULL;
    mutex_lock(&lock);
    list_for_each (context, &contexts, link)
        if (addr && context->addr == addr && context->mm == current->mm && !context->destroyed)
            found = context;
    if (found)
        found->refs++;
    mutex_unlock(&lock);
    return found;
}

static void put(struct aio_context *context)
{
    struct completion *c, *next;
    mutex_lock(&lock);
    bool last = --context->refs == 0;
    if (last) {
        list_del(&context->link);
        promised -= context->room;
    }
    mutex_unlock(&lock);
    if (!last)
        return;
    list_for_each_safe (c, next, &context->completions, link)
        kfree(c);
    file_unref(context->page);
    kfree(context);
}

static void page_get(void *opaque)
{
    mutex_lock(&lock);
    ((struct aio_context *)opaque)->refs++;
    mutex_unlock(&lock);
}

static void page_put(void *opaque) { put(opaque); }

static long page_read(void *opaque, u64 offset, void *buf, size_t size)
{
    return file_vm_ops.read(((struct aio_context *)opaque)->page, offset, buf, size);
}

static struct vm_object *page_object(void *opaque) { return file_vm_ops.object(((struct aio_context *)opaque)->page); }
static u64 page_size(void *opaque) { return PAGE_SIZE; }
static u64 page_inode(void *opaque) { return file_vm_ops.inode(((struct aio_context *)opaque)->page); }

static size_t page_path(void *opaque, char *buf, size_t size)
{
    return file_path(((struct aio_context *)opaque)->page, buf, size);
}

static const struct vm_file_ops page_ops = {
    .get = page_get,
    .put = page_put,
    .read = page_read,
    .object = page_object,
    .size = page_size,
    .inode = page_inode,
    .path = page_path,
};

static int create(u32 room, struct aio_context **ret_context)
{
    struct aio_context *context = kzalloc(sizeof(*context));
    int err = context ? file_unnamed(PAGE_SIZE, "/[aio] (deleted)", &context->page) : -ENOMEM;
    if (err) {
        kfree(context);
        return err == -EFBIG ? -ENOMEM : err;
    }
    context->refs = 1;
    context->mm = current->mm;
    context->room = room;
    list_init(&context->completions);
    wait_queue_init(&context->ready);
    mutex_lock(&lock);
    bool fits = room <= EVENTS_MAX - promised;
    if (fits) {
        promised += room;
        list_add(&context->link, &contexts);
    }
    mutex_unlock(&lock);
    *ret_context = context;
    if (fits)
        return 0;
    file_unref(context->page);
    kfree(context);
    return -EAGAIN;
}

// The page goes, unless the program has taken it already.
static void forget(u64 addr)
{
    if (vm_unmap_mapping(current->mm, addr, &page_ops) != 0)
        log_debug("aio: the page of a context was not there any more");
}

long sys_io_setup(u32 events, u64 __user *user)
{
    struct aio_context *context;
    u64 given;
    if (get_user(given, user))
        return -EFAULT;
    if (given || !events || events > 0x10000000u / sizeof(struct io_event))
        return -EINVAL;
    int err = create(events, &context);
    if (err)
        return err;
    struct vm_map_args args = {
        .len = PAGE_SIZE, .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE, .file = context, .ops = &page_ops
    };
    s64 addr = vm_map(current->mm, &args);
    if (addr > 0) {
        mutex_lock(&lock);
        context->addr = (u64)addr;
        mutex_unlock(&lock);
        // A child of fork has none of its parent's contexts.
        err = vm_advise(current->mm, (u64)addr, PAGE_SIZE, MADV_DONTFORK);
        if (!err)
            err = put_user((u64)addr, user);
        if (err)
            forget((u64)addr);
    }
    put(context);
    return addr < 0 ? addr : err;
}

long sys_io_destroy(u64 id)
{
    struct aio_context *context = find(id);
    if (!context)
        return -EINVAL;
    mutex_lock(&lock);
    bool first = !context->destroyed;
    context->destroyed = true;
    mutex_unlock(&lock);
    if (first)
        forget(id);
    wake_up_all(&context->ready);
    put(context);
    return first ? 0 : -EINVAL;
}

// --- requests

// Room for one more completion, which must not fail later.
static struct completion *reserve(struct aio_context *context)
{
    struct completion *c = kzalloc(sizeof(*c));
    mutex_lock(&lock);
    bool room = c && context->pending + context->waiting < context->room;
    if (room)
        context->pending++;
    mutex_unlock(&lock);
    if (!room) {
        kfree(c);
        return NULL;
    }
    return c;
}

static void finish(struct aio_context *context, struct completion *c, bool completed)
{
    mutex_lock(&lock);
    context->pending--;
    if (completed) {
        list_add_tail(&c->link, &context->completions);
        context->waiting++;
    }
    mutex_unlock(&lock);
    if (completed)
        wake_up_all(&context->ready);
    else
        kfree(c);
}

// What pread and its relatives would answer; *ret_refused: the request was none, and io_submit says so itself.
static long transfer(struct file *file, const struct iocb *r, bool write, bool vector, bool *ret_refused)
{
    struct iovec one, *iov = NULL;
    struct uio uio;
    long err = 0;

    *ret_refused = true;
    if (write ? !file_writable(file) : !file_readable(file))
        return -EBADF;
    if (!(write ? file->ops->write : file->ops->read))
        return -EINVAL;
    if (r->aio_rw_flags)
        return -EOPNOTSUPP;
    if (vector)
        err = uio_import((const struct iovec __user *)r->aio_buf, r->aio_nbytes, &iov, &uio);
    else if (!uio_can_be_user((const void __user *)r->aio_buf, r->aio_nbytes))
        err = -EFAULT;
    else
        uio_user(&uio, &one, (const void *)r->aio_buf, r->aio_nbytes);
    if (!err && !file->ops->stream && r->aio_offset < 0)
        err = -EINVAL;
    if (!err) {
        *ret_refused = false;
        err = file->ops->stream ? file_transfer(file, &uio, write) : file_transfer_at(file, &uio, r->aio_offset, write);
    }
    kfree(iov);
    return syscall_restarts(err) ? -EINTR : err;
}

static long synchronize(struct file *file, const struct iocb *r, bool *ret_refused)
{
    bool plain = !r->aio_buf && !r->aio_offset && !r->aio_nbytes && !r->aio_rw_flags;
    long result = plain ? file_sync(file) : -EINVAL;
    *ret_refused = result == -EINVAL;
    return result;
}

static long carry_out(struct file *file, const struct iocb *r, bool *ret_refused)
{
    switch (r->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        return transfer(file, r, r->aio_lio_opcode == IOCB_CMD_PWRITE || r->aio_lio_opcode == IOCB_CMD_PWRITEV,
                        r->aio_lio_opcode == IOCB_CMD_PREADV || r->aio_lio_opcode == IOCB_CMD_PWRITEV, ret_refused);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return synchronize(file, r, ret_refused);
    default:
        *ret_refused = true;
        return -EINVAL;
    }
}

// The request's files, in Linux's order of errors; *ret_told: the eventfd, or NULL.
static int files_of(const struct iocb *r, struct file **ret_file, struct file **ret_told)
{
    *ret_told = NULL;
    *ret_file = files_get((int)r->aio_fildes);
    if (!*ret_file)
        return -EBADF;
    if (!(r->aio_flags & IOCB_FLAG_RESFD))
        return 0;
    *ret_told = files_get((int)r->aio_resfd);
    int err = *ret_told ? 0 : -EBADF;
    if (!err && !file_is_eventfd(*ret_told)) {
        file_unref(*ret_told);
        err = -EINVAL;
    }
    if (err)
        file_unref(*ret_file);
    return err;
}

static long submit_one(struct aio_context *context, u64 user)
{
    struct iocb r;
    struct file *file, *told;
    bool refused;

    if (get_user(r, (const void __user *)user))
        return -EFAULT;
    if (r.aio_reserved2 || (s64)r.aio_nbytes < 0)
        return -EINVAL;
    struct completion *c = reserve(context);
    if (!c)
        return -EAGAIN;
    long result = files_of(&r, &file, &told);
    if (result) {
        finish(context, c, false);
        return result;
    }
    result = put_user((u32)0, (u8 __user *)user + offsetof(struct iocb, aio_key)) ? -EFAULT : 0;
    refused = result;
    if (!refused)
        result = carry_out(file, &r, &refused);
    c->event = (struct io_event){ .data = r.aio_data, .obj = user, .res = result };
    finish(context, c, !refused);
    if (told && !refused)
        eventfd_signal(told);
    if (told)
        file_unref(told);
    file_unref(file);
    return refused ? result : 0;
}

long sys_io_submit(u64 id, s64 count, const u64 __user *requests)
{
    s64 done = 0;
    long err = 0;
    u64 request;

    if (count < 0)
        return -EINVAL;
    struct aio_context *context = find(id);
    if (!context)
        return -EINVAL;
    for (count = MIN(count, (s64)context->room); done < count && !err; done += !err)
        err = get_user(request, requests + done) ? -EFAULT : submit_one(context, request);
    put(context);
    return done ? done : err;
}

// All requests have ended when io_submit returns: there is none to be cancelled.
long sys_io_cancel(u64 id, const void __user *request, void __user *result)
{
    u32 key;
    if (get_user(key, (const u8 __user *)request + offsetof(struct iocb, aio_key)))
        return -EFAULT;
    return -EINVAL;
}

// --- completions

static struct completion *take(struct aio_context *context)
{
    struct completion *c = NULL;
    mutex_lock(&lock);
    if (!list_empty(&context->completions)) {
        c = list_first(&context->completions, struct completion, link);
        list_del(&c->link);
        context->waiting--;
    }
    mutex_unlock(&lock);
    return c;
}

static long collect(struct aio_context *context, s64 least, s64 most, struct io_event __user *user, s64 deadline)
{
    s64 done = 0;
    int err = 0;

    while (done < most && !err) {
        struct completion *c = take(context);
        if (!c && done >= least)
            break;
        if (!c) {
            err = wait_event(&context->ready, context->waiting || context->destroyed, deadline);
            if (!err && context->destroyed && !context->waiting)
                break;
            continue;
        }
        err = put_user(c->event, user + done);
        done += !err;
        kfree(c);
    }
    if (err == -ETIMEDOUT)
        err = 0;
    return done ? done : err;
}

static long get_events(u64 id, s64 least, s64 most, struct io_event __user *user,
                       const struct __kernel_timespec __user *timeout)
{
    s64 ns = 0;
    int err = timeout ? timespec_from_user(timeout, &ns) : 0;
    if (err)
        return err;
    struct aio_context *context = find(id);
    if (!context)
        return -EINVAL;
    long result = least < 0 || least > most
                      ? -EINVAL
                      : collect(context, least, most, user, timeout ? time_deadline_ns(ns) : WAIT_FOREVER);
    put(context);
    return result;
}

long sys_io_getevents(u64 id, s64 least, s64 most, struct io_event __user *events,
                      const struct __kernel_timespec __user *timeout)
{
    return get_events(id, least, most, events, timeout);
}

long sys_io_pgetevents(u64 id, s64 least, s64 most, struct io_event __user *events,
                       const struct __kernel_timespec __user *timeout, const void __user *signals)
{
    struct {
        const u64 __user *mask;
        size_t size;
    } given = { NULL, 0 };
    if (signals && get_user(given, signals))
        return -EFAULT;
    long err = signal_mask_swap(given.mask, given.size);
    return err ? err : signal_mask_done(get_events(id, least, most, events, timeout));
}
