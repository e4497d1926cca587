// SPDX-License-Identifier: BSD-3-Clause
// A small read-only tree in the place of the verified image.
#pragma once

#include "libos/fs/memfs.h"

struct fake_lower_node {
    const char *path; // "dir/name"; "" is the root
    u32 mode;
    const char *text; // contents or target
    u64 size;         // of a file, at least strlen(text): the rest repeats the text
};

extern const struct fake_lower_node fake_lower_nodes[];
extern const size_t fake_lower_count;
extern const struct lower_tree fake_lower; // handle = index into the nodes; 0 is the root
u8 fake_lower_byte(const struct fake_lower_node *node, u64 offset);
