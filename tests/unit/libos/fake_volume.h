// SPDX-License-Identifier: BSD-3-Clause
// A volume in the test's memory with an empty ext2 on it.
#pragma once

#include "ext2/ext2.h"

// The last one goes.
struct ext2 *fake_volume_new(void);
