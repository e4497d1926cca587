// SPDX-License-Identifier: BSD-3-Clause
// io_submit(2), io_getevents(2), io_cancel(2). A request is served while it is submitted, as Linux does for buffered
// files: what io_getevents finds is done.
#include "libos/fs/file.h"
#include "libos/ipc/ipc.h"
#include "libos/process/aio.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

// fsync and fdatasync take nothing else.
static long sync_file(const struct iocb *request, const struct file *file)
{
    int fd = (int)request->aio_fildes;

    if (request->aio_buf || request->aio_offset || request->aio_nbytes || request->aio_rw_flags || !file->ops->fsync)
        return -EINVAL;
    return request->aio_lio_opcode == IOCB_CMD_FSYNC ? sys_fsync(fd) : sys_fdatasync(fd);
}

// What of a transfer is refused when it is submitted. 0, or -errno.
static long check_transfer(const struct iocb *request, const struct file *file)
{
    bool writes = request->aio_lio_opcode == IOCB_CMD_PWRITE || request->aio_lio_opcode == IOCB_CMD_PWRITEV;

    if (writes ? !file_writable(file) : !file_readable(file))
        return -EBADF;
    if (request->aio_rw_flags)
        return -EOPNOTSUPP;
    if (writes ? !file->ops->write : !file->ops->read)
        return -EINVAL;
    return request->aio_offset < 0 && !file->ops->stream ? -EINVAL : 0;
}

static long transfer(const struct iocb *request, const struct file *file)
{
    int fd = (int)request->aio_fildes;
    void *buf = (void *)(uintptr_t)request->aio_buf; // __user
    bool stream = file->ops->stream;

    switch (request->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
        return stream ? sys_read(fd, buf, request->aio_nbytes)
                      : sys_pread64(fd, buf, request->aio_nbytes, request->aio_offset);
    case IOCB_CMD_PWRITE:
        return stream ? sys_write(fd, buf, request->aio_nbytes)
                      : sys_pwrite64(fd, buf, request->aio_nbytes, request->aio_offset);
    case IOCB_CMD_PREADV:
        return stream ? sys_readv(fd, buf, request->aio_nbytes)
                      : sys_preadv(fd, buf, request->aio_nbytes, request->aio_offset);
    default:
        return stream ? sys_writev(fd, buf, request->aio_nbytes)
                      : sys_pwritev(fd, buf, request->aio_nbytes, request->aio_offset);
    }
}

// Serves a request: 0 with its result, or why it is not taken.
static long serve(const struct iocb *request, const struct file *file, long *ret_result)
{
    long err = 0;

    switch (request->aio_lio_opcode) {
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        *ret_result = sync_file(request, file);
        return *ret_result == -EINVAL ? -EINVAL : 0;
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        err = check_transfer(request, file);
        if (!err)
            *ret_result = transfer(request, file);
        return err;
    default: // IOCB_CMD_POLL among them
        return -EINVAL;
    }
}

// A request whose room is reserved. 0, or why it is not taken.
static long submit_one(struct aio_context *context, u64 user)
{
    struct iocb request;
    const u32 key = 0;
    struct file *file = NULL, *told = NULL;
    struct io_event event = { .obj = user };
    long result = 0;

    if (copy_from_user(&request, (const void __user *)user, sizeof(request)))
        return -EFAULT;
    if (request.aio_reserved2 || (s64)request.aio_nbytes < 0)
        return -EINVAL;
    file = files_get((int)request.aio_fildes);
    long err = file ? 0 : -EBADF;
    if (!err && (request.aio_flags & IOCB_FLAG_RESFD)) {
        told = files_get((int)request.aio_resfd);
        err = !told ? -EBADF : eventfd_is(told) ? 0 : -EINVAL;
    }
    if (!err && put_user(key, (u32 __user *)(user + offsetof(struct iocb, aio_key))))
        err = -EFAULT;
    if (!err)
        err = serve(&request, file, &result);
    if (!err) {
        event.data = request.aio_data;
        event.res = result;
        aio_complete(context, &event);
        if (told)
            eventfd_signal(told);
    }
    if (file)
        file_unref(file);
    if (told)
        file_unref(told);
    return err;
}

long sys_io_submit(u64 id, s64 count, const u64 __user *list)
{
    struct aio_context *context = count < 0 ? NULL : aio_get(id);
    s64 done = 0;
    long err = 0;
    u64 user;

    if (!context)
        return -EINVAL;
    while (done < MIN(count, (s64)context->max)) {
        err = get_user(user, list + done) ? -EFAULT : aio_reserve(context) ? 0 : -EAGAIN;
        if (err)
            break;
        err = submit_one(context, user);
        if (err) {
            aio_complete(context, NULL);
            break;
        }
        done++;
    }
    aio_put(context);
    return done ? done : err;
}

// Takes what there is, up to count - done, to the program. The count until now, or -errno.
static long give_events(struct aio_context *context, struct io_event __user *user, s64 done, s64 count)
{
    struct io_event event;

    while (done < count) {
        int found = aio_take(context, &event);
        if (found <= 0)
            return found && !done ? found : done;
        if (copy_to_user(user + done, &event, sizeof(event)))
            return done ? done : -EFAULT;
        done++;
    }
    return done;
}

long sys_io_getevents(u64 id, s64 least, s64 count, struct io_event __user *user,
                      const struct __kernel_timespec __user *timeout)
{
    s64 ns, deadline = WAIT_FOREVER;

    if (timeout) {
        struct __kernel_timespec ts;
        if (copy_from_user(&ts, timeout, sizeof(ts)))
            return -EFAULT;
        ns = timespec_to_ns(&ts);
        deadline = time_deadline_ns(MAX(ns, (s64)0));
    }
    struct aio_context *context = aio_get(id);
    if (!context)
        return -EINVAL;
    struct waiter waiter;
    waiter_init(&waiter);
    wait_add(&context->changed, &waiter);
    long done = least < 0 || least > count ? -EINVAL : give_events(context, user, 0, count);
    int err = 0;
    while (done >= 0 && done < least && !err) {
        err = waiter_sleep(&waiter, deadline);
        done = give_events(context, user, done, count);
    }
    wait_remove(&context->changed, &waiter);
    aio_put(context);
    return !done && err == -EINTR ? -EINTR : done;
}

long sys_io_cancel(u64 id, struct iocb __user *request, struct io_event __user *result)
{
    u32 key;

    if (get_user(key, &request->aio_key))
        return -EFAULT;
    struct aio_context *context = key ? NULL : aio_get(id);
    if (context)
        aio_put(context);
    return -EINVAL; // none is under way
}
