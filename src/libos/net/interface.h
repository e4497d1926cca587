// SPDX-License-Identifier: BSD-3-Clause
// Network interfaces of the host, netdevice(7), as any socket may ask for them.
#pragma once

#include "base/types.h"

bool interface_asks(int family, u32 command); // one of the SIOCGIF... commands that a socket of the family knows
// fd: a socket of the host to ask through; -1: one is made for it. Which interfaces there are is the host's word.
__nodiscard long interface_ioctl(int fd, u32 command, u64 argument);
