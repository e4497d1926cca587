// SPDX-License-Identifier: BSD-3-Clause
// Paths as texts.
#pragma once

#include "bom/memory.h"

// folder/name; name alone if it is absolute or folder is empty.
const char *path_join(struct arena *arena, const char *folder, const char *name);
// The folder a path lies in ("." for a bare name). Trailing slashes do not count.
const char *path_parent(struct arena *arena, const char *path);
// The last component without trailing slashes; "" of "/" and "".
const char *path_name(struct arena *arena, const char *path);
// Begins with / and has no ".", ".." or empty component; ".." at the root stays there, as the kernel has it.
const char *path_normalize(struct arena *arena, const char *path);
// From the root of this machine, whatever the working folder becomes.
const char *path_absolute(struct arena *arena, const char *path);
// True if a component is "..".
bool path_climbs(const char *path);
bool path_ends_with_slash(const char *path);
