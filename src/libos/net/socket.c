// SPDX-License-Identifier: BSD-3-Clause
#include "abi/linux/abi.h"
#include "libos/syscall/prototypes.h"

long sys_socket(int family, int type, int protocol) { return -EAFNOSUPPORT; }

long sys_socketpair(int family, int type, int protocol, int __user *pair) { return -EAFNOSUPPORT; }
