// SPDX-License-Identifier: BSD-3-Clause
// Socket addresses from and to a program.
#pragma once

#include "libos/net/socket.h"

__nodiscard int name_from_user(struct net_name *ret_name, const void __user *user, int size);
// As much of it as *user_size has room for; *user_size becomes its whole size.
__nodiscard int name_to_user(const struct net_name *name, void __user *user, int __user *user_size);
