// SPDX-License-Identifier: BSD-3-Clause
// Host calls on sockets. They never block: the enclave waits by host_poll_wait. Runs with the program's %fs: see
// threads.h.
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "loader/host_ahead.h"
#include "loader/host_poll.h"
#include "loader/ocall_handlers.h"
#include "platform/raw.h"

s64 host_sock_open(struct host_thread *self, int family, int type, int protocol)
{
    return RAW(SYS_socket, family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static socklen_t size_of(const struct host_address *address)
{
    return address->size < sizeof(address->bytes) ? address->size : sizeof(address->bytes);
}

s64 host_sock_bind(struct host_thread *self, int fd, const struct host_address *address)
{
    return RAW(SYS_bind, fd, address->bytes, size_of(address));
}

s64 host_sock_connect(struct host_thread *self, int fd, const struct host_address *address)
{
    return RAW(SYS_connect, fd, address->bytes, size_of(address));
}

s64 host_sock_listen(struct host_thread *self, int fd, int backlog) { return RAW(SYS_listen, fd, backlog); }

s64 host_sock_accept(struct host_thread *self, int fd, u64 cookie, u32 grant, struct host_address *address)
{
    socklen_t size = sizeof(address->bytes);
    s64 got = RAW(SYS_accept4, fd, address->bytes, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0)
        return got;
    address->size = size;
    host_ahead_grant((int)got, cookie, grant);
    s64 err = host_poll_arm((int)got, cookie);
    if (!err)
        return got;
    host_ahead_close((int)got, cookie);
    return err;
}

s64 host_sock_close(struct host_thread *self, int fd, u64 cookie)
{
    host_ahead_close(fd, cookie);
    return 0;
}

s64 host_sock_name(struct host_thread *self, int fd, u32 of_peer, struct host_address *address)
{
    socklen_t size = sizeof(address->bytes);
    s64 err = RAW(of_peer ? SYS_getpeername : SYS_getsockname, fd, address->bytes, &size);
    address->size = size;
    return err;
}

s64 host_sock_send(struct host_thread *self, int fd, const void *data, size_t len, u32 flags,
                   const struct host_address *address, const struct host_ahead *ahead)
{
    host_ahead_grant(fd, ahead->cookie, ahead->grant); // before: an answer may come at once
    const void *to = address->size ? address->bytes : NULL;
    return RAW(SYS_sendto, fd, data, len, flags | MSG_DONTWAIT | MSG_NOSIGNAL, to, size_of(address));
}

s64 host_sock_send_with(struct host_thread *self, int fd, const void *data, size_t len, u32 flags,
                        const struct host_address *address, const void *control, size_t control_len)
{
    struct iovec iov = { (void *)(uintptr_t)data, len };
    struct msghdr message = { .msg_name = address->size ? (void *)(uintptr_t)address->bytes : NULL,
                              .msg_namelen = size_of(address),
                              .msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = (void *)(uintptr_t)control,
                              .msg_controllen = control_len };
    return RAW(SYS_sendmsg, fd, &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

s64 host_sock_recv_with(struct host_thread *self, int fd, void *data, size_t len, u32 flags,
                        struct host_received *received, void *control, size_t control_len)
{
    struct iovec iov = { data, len };
    struct msghdr message = { .msg_name = received->from.bytes,
                              .msg_namelen = sizeof(received->from.bytes),
                              .msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = control_len };
    s64 n = RAW(SYS_recvmsg, fd, &message, flags | MSG_DONTWAIT);
    if (n < 0)
        return n;
    received->from.size = message.msg_name ? message.msg_namelen : 0;
    received->flags = (u32)message.msg_flags;
    received->size = (u32)n;
    received->control_size = (u32)message.msg_controllen;
    return n < (s64)len ? n : (s64)len;
}

s64 host_sock_recv(struct host_thread *self, int fd, void *data, size_t len, u32 flags, struct host_received *received,
                   const struct host_ahead *ahead)
{
    s64 n = ahead->cookie ? host_ahead_revoke(ahead) : 0;
    if (n)
        return n;
    n = host_sock_recv_with(self, fd, data, len, flags, received, NULL, 0);
    if (n == -EAGAIN || (n > 0 && n < (s64)len))
        host_ahead_grant(fd, ahead->cookie, ahead->grant);
    return n;
}

s64 host_sock_shutdown(struct host_thread *self, int fd, int how) { return RAW(SYS_shutdown, fd, how); }

s64 host_sock_get(struct host_thread *self, int fd, int level, int option, void *value, size_t len)
{
    socklen_t size = (socklen_t)len;
    s64 err = RAW(SYS_getsockopt, fd, level, option, value, &size);
    return err ? err : size;
}

s64 host_sock_set(struct host_thread *self, int fd, int level, int option, const void *value, size_t len)
{
    return RAW(SYS_setsockopt, fd, level, option, value, len);
}
