// SPDX-License-Identifier: BSD-3-Clause
// send(2), recv(2) and their kin.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/net/socket.h"
#include "libos/net/user_name.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

enum { MESSAGES_MAX = 1024 }; // of one sendmmsg or recvmmsg, as on Linux

static u32 effective_flags(const struct file *file, u32 flags)
{
    return flags | (file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

static long send(struct file *file, struct socket *socket, struct message *message, u32 flags)
{
    message->flags = effective_flags(file, flags);
    long n = socket->ops->send(socket, message);
    if (n == -EPIPE && !(flags & MSG_NOSIGNAL) && socket->type == SOCK_STREAM)
        fs_raise_signal(SIGPIPE);
    return n;
}

static long receive(struct file *file, struct socket *socket, struct message *message, u32 flags)
{
    message->flags = effective_flags(file, flags);
    return socket->ops->receive(socket, message);
}

long sys_sendto(int fd, const void __user *buf, size_t size, u32 flags, const void __user *name, int name_size)
{
    struct socket *socket;
    struct file *file;
    struct iovec one;
    struct uio uio;
    struct message message = { .uio = &uio };

    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    uio_user(&uio, &one, (const void *)(uintptr_t)buf, size);
    if (name && name_size)
        n = name_from_user(&message.name, name, name_size);
    if (!n)
        n = send(file, socket, &message, flags);
    file_unref(file);
    return n;
}

long sys_recvfrom(int fd, void __user *buf, size_t size, u32 flags, void __user *name, int __user *name_size)
{
    struct socket *socket;
    struct file *file;
    struct iovec one;
    struct uio uio;
    struct message message = { .uio = &uio };

    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    uio_user(&uio, &one, (const void *)(uintptr_t)buf, size);
    n = receive(file, socket, &message, flags);
    file_unref(file);
    if (n >= 0 && name) {
        int err = name_to_user(&message.name, name, name_size);
        n = err ? err : n;
    }
    return n;
}

// --- with headers

// A header's parts in the LibOS's memory.
struct import {
    struct msghdr header;
    struct iovec *iov;
    struct uio uio;
    struct message message;
};

static void import_done(struct import *import)
{
    kfree(import->iov);
    kfree(import->message.control);
}

static int import_control(struct import *import, bool to_send)
{
    struct message *message = &import->message;
    size_t size = import->header.control ? import->header.control_size : 0;

    if (to_send && size > CONTROL_MAX)
        return -ENOBUFS;
    size = MIN(size, (size_t)CONTROL_MAX);
    if (!size)
        return 0;
    message->control = kzalloc(size);
    if (!message->control)
        return -ENOMEM;
    message->control_size = size;
    return to_send && copy_from_user(message->control, import->header.control, size) ? -EFAULT : 0;
}

static int import_header(struct import *import, const struct msghdr __user *user, bool to_send)
{
    *import = (struct import){ .message = { .uio = &import->uio } };
    if (copy_from_user(&import->header, user, sizeof(import->header)))
        return -EFAULT;
    struct msghdr *header = &import->header;
    if (header->iov_count > UIO_IOV_MAX)
        return -EMSGSIZE;
    if (header->name_size < 0)
        return -EINVAL;
    int err = (int)uio_import(header->iov, header->iov_count, &import->iov, &import->uio);
    if (!err && to_send && header->name)
        err = name_from_user(&import->message.name, header->name,
                             MIN(header->name_size, (int)sizeof(import->message.name.bytes)));
    if (!err)
        err = import_control(import, to_send);
    if (err)
        import_done(import);
    return err;
}

static int export_header(const struct import *import, struct msghdr __user *user)
{
    const struct message *message = &import->message;
    struct msghdr header = import->header;

    if (header.name) {
        size_t room = (size_t)header.name_size;
        if (copy_to_user(header.name, message->name.bytes, MIN(room, (size_t)message->name.size)))
            return -EFAULT;
        header.name_size = (int)message->name.size;
    }
    if (message->control_used && copy_to_user(header.control, message->control, message->control_used))
        return -EFAULT;
    header.control_size = message->control_used;
    header.flags = message->came_flags | (message->flags & MSG_CMSG_CLOEXEC);
    return copy_to_user(user, &header, sizeof(header));
}

static long send_header(struct file *file, struct socket *socket, const struct msghdr __user *user, u32 flags)
{
    struct import import;
    long n = import_header(&import, user, true);
    if (n)
        return n;
    n = send(file, socket, &import.message, flags);
    import_done(&import);
    return n;
}

static long receive_header(struct file *file, struct socket *socket, struct msghdr __user *user, u32 flags)
{
    struct import import;
    long n = import_header(&import, user, false);
    if (n)
        return n;
    n = receive(file, socket, &import.message, flags);
    if (n >= 0 && export_header(&import, user))
        n = -EFAULT;
    import_done(&import);
    return n;
}

long sys_sendmsg(int fd, const struct msghdr __user *user, u32 flags)
{
    struct socket *socket;
    struct file *file;

    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    n = send_header(file, socket, user, flags);
    file_unref(file);
    return n;
}

long sys_recvmsg(int fd, struct msghdr __user *user, u32 flags)
{
    struct socket *socket;
    struct file *file;

    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    n = receive_header(file, socket, user, flags);
    file_unref(file);
    return n;
}

// The error after some messages is lost, as on Linux (sendmmsg) but for what a socket remembers.
long sys_sendmmsg(int fd, struct mmsghdr __user *user, u32 count, u32 flags)
{
    struct socket *socket;
    struct file *file;
    u32 done = 0;

    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    count = MIN(count, (u32)MESSAGES_MAX);
    while (done < count) {
        n = send_header(file, socket, &user[done].header, flags);
        if (n >= 0 && put_user((u32)n, &user[done].size))
            n = -EFAULT;
        if (n < 0)
            break;
        done++;
    }
    file_unref(file);
    return done ? (long)done : n;
}

static long receive_many(struct file *file, struct socket *socket, struct mmsghdr __user *user, u32 count, u32 flags,
                         s64 deadline)
{
    u32 done = 0;
    long n = 0;

    while (done < count) {
        n = receive_header(file, socket, &user[done].header, flags & ~(u32)MSG_WAITFORONE);
        if (n >= 0 && put_user((u32)n, &user[done].size))
            n = -EFAULT;
        if (n < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != WAIT_FOREVER && time_monotonic_ns() >= deadline)
            break;
    }
    return done ? (long)done : n;
}

// The time-out is looked at after each message only, as on Linux (recvmmsg, BUGS).
long sys_recvmmsg(int fd, struct mmsghdr __user *user, u32 count, u32 flags, struct __kernel_timespec __user *timeout)
{
    struct socket *socket;
    struct file *file;
    s64 ns, deadline = WAIT_FOREVER;

    if (timeout) {
        int err = timespec_from_user(timeout, &ns);
        if (err)
            return err;
        deadline = time_deadline_ns(ns);
    }
    long n = socket_get(fd, &file, &socket);
    if (n)
        return n;
    n = receive_many(file, socket, user, MIN(count, (u32)MESSAGES_MAX), flags, deadline);
    file_unref(file);
    return n;
}
