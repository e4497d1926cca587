// SPDX-License-Identifier: BSD-3-Clause
#include "libos/host/hostsock.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"
#include "trusted/ocall.h"

enum { INET = 2, INET6 = 10 };

// Takes over an address of the family; size 0 stays none. False: it cannot be.
static bool take_address(struct host_address *address, int family)
{
    u32 size = family == INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    u16 claimed;

    memcpy(&claimed, address->bytes, sizeof(claimed));
    if (address->size == 0) {
        *address = (struct host_address){ 0 };
        return true;
    }
    if (address->size != size || claimed != family)
        return false;
    size_t used = family == INET ? offsetof(struct sockaddr_in, __pad) : size;
    memset(address->bytes + used, 0, sizeof(address->bytes) - used);
    return true;
}

int hostsock_open(int family, int type, int protocol) { return (int)ocall_sock_open(family, type, protocol); }
void hostsock_close(int fd, u64 cookie) { ocall_sock_close(fd, cookie); }
int hostsock_bind(int fd, const struct host_address *address) { return (int)ocall_sock_bind(fd, address); }
int hostsock_connect(int fd, const struct host_address *address) { return (int)ocall_sock_connect(fd, address); }
int hostsock_listen(int fd, int backlog) { return (int)ocall_sock_listen(fd, backlog); }

int hostsock_accept(int fd, int family, u64 cookie, u32 grant, struct host_address *ret_peer)
{
    s64 got = ocall_sock_accept(fd, cookie, grant, ret_peer);
    if (got < 0)
        return (int)got;
    if (take_address(ret_peer, family))
        return (int)got;
    hostsock_close((int)got, cookie);
    return -EIO;
}

int hostsock_name(int fd, int family, bool of_peer, struct host_address *ret_address)
{
    int err = (int)ocall_sock_name(fd, of_peer, ret_address);
    if (!err && !(take_address(ret_address, family) && ret_address->size))
        err = -EIO;
    return err;
}

static const struct host_ahead nothing_ahead;

long hostsock_send(int fd, const void *data, size_t size, u32 flags, const struct host_address *to,
                   const struct host_ahead *ahead)
{
    return ocall_sock_send(fd, data, size, flags, to, ahead ? ahead : &nothing_ahead);
}

long hostsock_send_with(int fd, const void *data, size_t size, u32 flags, const struct host_address *to,
                        const void *control, size_t control_size)
{
    return ocall_sock_send_with(fd, data, size, flags, to, control, control_size);
}

static long check_received(s64 n, int family, struct host_received *ret_received)
{
    if (n < 0)
        return n;
    if (!take_address(&ret_received->from, family) || ret_received->size < (u64)n || ret_received->size > INT32_MAX)
        return -EIO;
    return n;
}

long hostsock_receive(int fd, int family, void *data, size_t size, u32 flags, struct host_received *ret_received,
                      const struct host_ahead *ahead)
{
    s64 n = ocall_sock_recv(fd, data, size, flags, ret_received, ahead ? ahead : &nothing_ahead);
    return check_received(n, family, ret_received);
}

long hostsock_receive_unnamed(int fd, void *data, size_t size, struct host_received *ret_received)
{
    s64 n = ocall_sock_recv(fd, data, size, 0, ret_received, &nothing_ahead);
    ret_received->from.size = 0;
    return n;
}

long hostsock_receive_with(int fd, int family, void *data, size_t size, u32 flags, struct host_received *ret_received,
                           void *control, size_t control_size)
{
    s64 n = ocall_sock_recv_with(fd, data, size, flags, ret_received, control, control_size);
    if (n >= 0 && ret_received->control_size > control_size)
        return -EIO;
    return check_received(n, family, ret_received);
}

int hostsock_shutdown(int fd, int how) { return (int)ocall_sock_shutdown(fd, how); }

int hostsock_get_option(int fd, int level, int option, void *value, u32 size)
{
    return (int)ocall_sock_get(fd, level, option, value, size);
}

int hostsock_set_option(int fd, int level, int option, const void *value, u32 size)
{
    return (int)ocall_sock_set(fd, level, option, value, size);
}

int hostsock_ioctl(int fd, u32 command, void *argument, size_t size)
{
    s64 n = ocall_tty_ioctl(fd, command, argument, size, argument, size);
    return n < 0 ? (int)n : 0;
}
