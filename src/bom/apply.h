// SPDX-License-Identifier: BSD-3-Clause
// From the plan to the root. Looking changes nothing; doing replaces each file as a whole.
#pragma once

#include "bom/plan.h"

struct applied {
    u64 folders, files, links, bytes, changed_modes, unchanged;
};

// Says what the root lacks of the plan: errors for what cannot be, and with `show`, a line on `show` for each thing
// that would be done.
void apply_check(const struct plan *plan, int root_fd, FILE *show, struct applied *ret);
// Brings the root to the plan. Goes on after an error; *stop (set by a signal handler) ends it before the next file.
void apply_plan(const struct plan *plan, int root_fd, const volatile int *stop, struct applied *ret);
