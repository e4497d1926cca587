// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/user_name.h"
#include "libos/vm/user.h"

int name_from_user(struct net_name *ret_name, const void __user *user, int size)
{
    if (size < 0 || size > (int)sizeof(ret_name->bytes))
        return -EINVAL;
    *ret_name = (struct net_name){ .size = (u32)size };
    return size && copy_from_user(ret_name->bytes, user, (size_t)size) ? -EFAULT : 0;
}

int name_to_user(const struct net_name *name, void __user *user, int __user *user_size)
{
    int room;

    if (get_user(room, user_size))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(user, name->bytes, MIN((size_t)room, (size_t)name->size)))
        return -EFAULT;
    return put_user((int)name->size, user_size) ? -EFAULT : 0;
}
