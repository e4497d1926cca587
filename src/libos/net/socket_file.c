// SPDX-License-Identifier: BSD-3-Clause
// Sockets as open files.
#include "libos/net/socket.h"
#include "base/fmt.h"
#include "libos/mem/heap.h"
#include "libos/net/unix.h"
#include "libos/time/time.h"

static struct socket *private_of(struct file *file) { return file->private; }

static u32 file_message_flags(const struct file *file) { return file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0; }

static long socket_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct message message = { .uio = uio, .flags = file_message_flags(file) };
    if (!uio->left) // not even an empty datagram is taken
        return 0;
    return private_of(file)->ops->receive(private_of(file), &message);
}

static long socket_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct message message = { .uio = uio, .flags = file_message_flags(file) };
    long n = private_of(file)->ops->send(private_of(file), &message);
    if (n == -EPIPE && private_of(file)->type == SOCK_STREAM)
        fs_raise_signal(SIGPIPE);
    return n;
}

static u32 socket_poll(struct file *file, struct poll_table *table)
{
    return private_of(file)->ops->poll(private_of(file), table);
}

static long socket_ioctl(struct file *file, u32 command, u64 argument)
{
    struct socket *socket = private_of(file);
    return socket->ops->ioctl ? socket->ops->ioctl(socket, command, argument) : -ENOTTY;
}

static void socket_release(struct file *file) { private_of(file)->ops->release(private_of(file)); }

static const struct file_ops socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .release = socket_release,
    .closed = unix_collect,
    .type = S_IFSOCK,
    .stream = true,
};

struct socket *socket_of(struct file *file) { return file->ops == &socket_file_ops ? file->private : NULL; }

int socket_file(struct socket *socket, u32 flags, struct file **ret_file)
{
    char path[40];
    int err = file_alloc(NULL, O_RDWR | (flags & O_NONBLOCK), ret_file);
    if (err) {
        socket->ops->release(socket);
        return err;
    }
    struct file *file = *ret_file;
    file->ops = &socket_file_ops;
    file->private = socket;
    socket->file = file;
    fmt_format(path, sizeof(path), "socket:[%lu]", file->owner_key);
    file->path = kstrdup(path);
    return 0;
}

int socket_get(int fd, struct file **ret_file, struct socket **ret_socket)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    *ret_socket = socket_of(file);
    *ret_file = file;
    if (*ret_socket)
        return 0;
    file_unref(file);
    return -ENOTSOCK;
}

s64 socket_deadline(s64 timeout) { return timeout ? time_deadline_ns(timeout) : WAIT_FOREVER; }

int socket_wait_error(int err, s64 timeout)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    if (err != -EINTR)
        return err;
    return timeout ? -EINTR : -ERESTARTSYS;
}
