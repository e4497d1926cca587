// SPDX-License-Identifier: BSD-3-Clause
// The signal mask that ppoll, pselect6 and epoll_pwait set while they wait. signal/ lies to the right of fs/ and
// gives a hook.
#pragma once

#include "abi/linux/abi.h"

// Sets the mask for the time of the call; NULL: leaves it. 0, -EINVAL, -EFAULT.
__nodiscard long signal_mask_swap(const u64 __user *mask, size_t size);
// Puts the old one back, unless a signal's delivery has to do it. Returns result.
long signal_mask_done(long result);
