// SPDX-License-Identifier: BSD-3-Clause
// Environment variables that hide what the machine offers, so that one machine can be tested as several.
#pragma once

#include <stdlib.h>

#include "base/types.h"

// Is it set, and neither empty nor "0"? Called before there are threads.
static inline bool switch_is_on(const char *name)
{
    const char *value = getenv(name);
    return value && *value && !(value[0] == '0' && !value[1]);
}
