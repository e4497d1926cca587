// SPDX-License-Identifier: BSD-3-Clause
// The files of this machine that are copied.
#pragma once

#include "bom/memory.h"

// SHA-256 of what follows in an open file. 0 or -errno.
__nodiscard int source_hash(int fd, u8 ret_hash[32]);
// 64 hexadecimal digits.
const char *source_hash_text(struct arena *arena, const u8 hash[32]);
// Chooses the fastest code for hashes; once, before the first.
void source_hash_init(void);
// The name in the folder of `path` that is nearest to its last component, for a path that is not there; NULL: none is
// near.
const char *source_nearest(struct arena *arena, const char *path);
