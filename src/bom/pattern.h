// SPDX-License-Identifier: BSD-3-Clause
// Exclude patterns with the meaning that rsync's --exclude gives them.
#pragma once

#include "base/types.h"

// Does the pattern exclude this path? `path` is counted from the folder that is copied ("conf/a/b" for dirs: [conf],
// "a/b" for [conf/]).
//   *  any characters but /;  **  any characters;  ?  one character but /;  [a-z] [!a-z]  one of a set;  \x  x itself
//   a pattern with / at its end matches folders only; one that begins with / is matched from the beginning of the path;
//   any other with a / in it (or **) is matched with the end of the path, one without with the last component.
bool pattern_excludes(const char *pattern, const char *path, bool is_folder);
