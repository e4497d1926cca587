// SPDX-License-Identifier: BSD-3-Clause
// The image key of this run, if one was given: it opens a sealed image, and volumes then have a key derived from it.
#pragma once

#include "base/types.h"

// Once, before file systems are mounted.
void image_key_set(const u8 key[32]);
const u8 *image_key(void); // NULL: none was given
