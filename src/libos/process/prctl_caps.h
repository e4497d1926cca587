// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// The part of prctl(2) that is about capabilities and securebits. False: the option is none of them.
bool prctl_caps(int option, const u64 args[4], long *ret_result);
