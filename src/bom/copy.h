// SPDX-License-Identifier: BSD-3-Clause
// One file into the root: under a temporary name, then renamed.
#pragma once

#include "bom/plan.h"

// Copies step->from to `name` in the folder, with mode and time of modification. -EUCLEAN: the file is not the one that
// was planned (other hash, or changed meanwhile); -EINTR: *stop was set. What was there stays unless all is well.
__nodiscard int copy_file(const struct step *step, int folder, const char *name, const volatile int *stop);
