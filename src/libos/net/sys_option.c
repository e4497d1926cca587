// SPDX-License-Identifier: BSD-3-Clause
// getsockopt(2), setsockopt(2). What is the same for all families is answered here.
#include "base/string.h"
#include "libos/net/socket.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum { TIMEOUT_SIZE = sizeof(struct __kernel_old_timeval) };

static bool is_timeout(int option)
{
    return option == SO_RCVTIMEO_OLD || option == SO_SNDTIMEO_OLD || option == SO_RCVTIMEO_NEW ||
           option == SO_SNDTIMEO_NEW;
}

static s64 *timeout_of(struct socket *socket, int option)
{
    bool receive = option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW;
    return receive ? &socket->receive_timeout : &socket->send_timeout;
}

// Both forms of the structure have 64-bit members here.
static int set_timeout(struct socket *socket, int option, const void *value, u32 size)
{
    struct __kernel_old_timeval tv;

    if (size < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    s64 ns = 0; // a negative time: no wait to speak of
    if (tv.tv_sec < 0)
        ns = 1;
    else if (tv.tv_sec < INT64_MAX / NSEC_PER_SEC - 1)
        ns = tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * 1000;
    WRITE_ONCE(*timeout_of(socket, option), ns);
    return 0;
}

// An answer of the common part: true, if it is one.
static bool common_option(struct socket *socket, int option, void *value, u32 *size)
{
    int number;

    if (is_timeout(option)) {
        s64 ns = READ_ONCE(*timeout_of(socket, option));
        struct __kernel_old_timeval tv = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000 };
        *size = MIN(*size, (u32)sizeof(tv));
        memcpy(value, &tv, *size);
        return true;
    }
    switch (option) {
    case SO_TYPE:
        number = socket->type;
        break;
    case SO_DOMAIN:
        number = socket->family;
        break;
    case SO_PROTOCOL:
        number = socket->protocol;
        break;
    default:
        return false;
    }
    *size = MIN(*size, (u32)sizeof(number));
    memcpy(value, &number, *size);
    return true;
}

static long get_option(struct socket *socket, int level, int option, void __user *user, int __user *user_size)
{
    u64 value[OPTION_MAX / 8] = { 0 };
    int room, err = 0;

    if (get_user(room, user_size))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    u32 size = MIN((u32)room, (u32)sizeof(value));
    if (level != SOL_SOCKET || !common_option(socket, option, value, &size))
        err = socket->ops->get_option ? socket->ops->get_option(socket, level, option, value, &size) : -ENOPROTOOPT;
    if (err)
        return err;
    size = MIN(size, (u32)sizeof(value));
    if (copy_to_user(user, value, size))
        return -EFAULT;
    return put_user((int)size, user_size) ? -EFAULT : 0;
}

long sys_getsockopt(int fd, int level, int option, void __user *user, int __user *user_size)
{
    struct socket *socket;
    struct file *file;

    long err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = get_option(socket, level, option, user, user_size);
    file_unref(file);
    return err;
}

static long set_option(struct socket *socket, int level, int option, const void __user *user, int size)
{
    u64 value[OPTION_MAX / 8] = { 0 };

    if (size < 0 || size > (int)sizeof(value))
        return -EINVAL;
    if (size && copy_from_user(value, user, (size_t)size))
        return -EFAULT;
    if (level == SOL_SOCKET && is_timeout(option))
        return set_timeout(socket, option, value, (u32)size);
    return socket->ops->set_option ? socket->ops->set_option(socket, level, option, value, (u32)size) : -ENOPROTOOPT;
}

long sys_setsockopt(int fd, int level, int option, const void __user *user, int size)
{
    struct socket *socket;
    struct file *file;

    long err = socket_get(fd, &file, &socket);
    if (err)
        return err;
    err = set_option(socket, level, option, user, size);
    file_unref(file);
    return err;
}
