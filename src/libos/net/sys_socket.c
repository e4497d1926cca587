// SPDX-License-Identifier: BSD-3-Clause
// socket(2) and the calls that name, connect and end sockets.
#include "base/string.h"
#include "libos/net/socket.h"
#include "libos/net/user_name.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { SOCK_LAST = 10 }; // SOCK_PACKET, the highest type that there is

static int create(int family, int type, int protocol, struct socket **ret_socket)
{
    if (family == AF_UNIX)
        return unix_create(type, protocol, ret_socket);
    if (family == AF_INET || family == AF_INET6)
        return inet_create(family, type, protocol, ret_socket);
    if (family == AF_NETLINK)
        return netlink_create(type, protocol, ret_socket);
    return -EAFNOSUPPORT;
}

// Makes a descriptor of a socket, which is gone on failure.
static long install(struct socket *socket, u32 flags)
{
    struct file *file;
    int err = socket_file(socket, flags, &file);
    if (err)
        return err;
    return files_give(file, 0, flags & SOCK_CLOEXEC);
}

long sys_socket(int family, int type, int protocol)
{
    struct socket *socket;

    if ((type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) || (type & SOCK_TYPE_MASK) > SOCK_LAST)
        return -EINVAL;
    int err = create(family, type & SOCK_TYPE_MASK, protocol, &socket);
    return err ? err : install(socket, (u32)type);
}

// Only AF_UNIX has pairs; what else is wrong with the arguments is told first.
static int pair_of(int family, int type, int protocol, struct socket *ret_pair[2])
{
    if (family == AF_UNIX)
        return unix_pair(type, protocol, ret_pair);
    int err = create(family, type, protocol, &ret_pair[0]);
    if (err)
        return err;
    ret_pair[0]->ops->release(ret_pair[0]);
    return -EOPNOTSUPP;
}

long sys_socketpair(int family, int type, int protocol, int __user *user)
{
    struct socket *pair[2];
    int fds[2];

    if ((type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) || (type & SOCK_TYPE_MASK) > SOCK_LAST)
        return -EINVAL;
    int err = pair_of(family, type & SOCK_TYPE_MASK, protocol, pair);
    if (err)
        return err;
    fds[0] = (int)install(pair[0], (u32)type);
    fds[1] = (int)install(pair[1], (u32)type);
    if (fds[0] >= 0 && fds[1] >= 0 && !copy_to_user(user, fds, sizeof(fds)))
        return 0;
    err = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : -EFAULT;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            (void)!files_close(fds[i]);
    return err;
}

long sys_bind(int fd, const void __user *user, int size)
{
    struct socket *socket;
    struct net_name name;
    struct file *file;

    int err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = name_from_user(&name, user, size);
    if (!err)
        err = socket->ops->bind ? socket->ops->bind(socket, &name) : -EOPNOTSUPP;
    file_unref(file);
    return err;
}

long sys_connect(int fd, const void __user *user, int size)
{
    struct socket *socket;
    struct net_name name;
    struct file *file;

    int err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = name_from_user(&name, user, size);
    if (!err)
        err = socket->ops->connect ? socket->ops->connect(socket, &name, file->flags & O_NONBLOCK) : -EOPNOTSUPP;
    file_unref(file);
    return err;
}

long sys_listen(int fd, int backlog)
{
    struct socket *socket;
    struct file *file;

    int err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = socket->ops->listen ? socket->ops->listen(socket, backlog) : -EOPNOTSUPP;
    file_unref(file);
    return err;
}

// The new descriptor, or -errno. What the program is to be told of the peer is written first: then nothing is to be
// undone.
static long accept(struct file *file, struct socket *socket, void __user *user, int __user *user_size, u32 flags)
{
    struct socket *accepted;
    struct net_name name;

    if (!socket->ops->accept)
        return -EOPNOTSUPP;
    int err = socket->ops->accept(socket, file->flags & O_NONBLOCK, &accepted);
    if (err)
        return err;
    accepted->receive_timeout = READ_ONCE(socket->receive_timeout);
    accepted->send_timeout = READ_ONCE(socket->send_timeout);
    if (user) {
        err = accepted->ops->name(accepted, true, &name);
        if (err) // it is gone already
            name = (struct net_name){ .size = sizeof(name.family), .family = (u16)socket->family };
        err = name_to_user(&name, user, user_size);
    }
    if (!err)
        return install(accepted, flags);
    accepted->ops->release(accepted);
    return err;
}

long sys_accept4(int fd, void __user *user, int __user *user_size, int flags)
{
    struct socket *socket;
    struct file *file;

    struct file *any = files_get(fd);
    if (!any)
        return -EBADF;
    file_unref(any);
    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    long result = socket_get(fd, &file, &socket);
    if (result)
        return result;
    result = accept(file, socket, user, user_size, (u32)flags);
    file_unref(file);
    return result;
}

long sys_accept(int fd, void __user *user, int __user *user_size) { return sys_accept4(fd, user, user_size, 0); }

static long get_name(int fd, void __user *user, int __user *user_size, bool of_peer)
{
    struct socket *socket;
    struct net_name name;
    struct file *file;

    int err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = socket->ops->name(socket, of_peer, &name);
    file_unref(file);
    return err ? err : name_to_user(&name, user, user_size);
}

long sys_getsockname(int fd, void __user *user, int __user *user_size) { return get_name(fd, user, user_size, false); }
long sys_getpeername(int fd, void __user *user, int __user *user_size) { return get_name(fd, user, user_size, true); }

long sys_shutdown(int fd, int how)
{
    struct socket *socket;
    struct file *file;

    int err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    if (how < SHUT_RD || how > SHUT_RDWR)
        err = -EINVAL;
    else
        err = socket->ops->shutdown ? socket->ops->shutdown(socket, how) : -EOPNOTSUPP;
    file_unref(file);
    return err;
}
