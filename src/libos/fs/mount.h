// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

struct mount {
    const char *target, *type;
};
size_t mount_list(const struct mount **ret_mounts); // for /proc/mounts
