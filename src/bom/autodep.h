// SPDX-License-Identifier: BSD-3-Clause
// The libraries that programs need, and theirs, planned for the places where the program's dynamic linker will look.
#pragma once

#include "bom/libraries.h"
#include "bom/targets.h"

// Plans what all dependents need. A library that is not found is an error for a strict one, a warning for others.
void autodep_plan(struct plan *plan, struct libraries *libraries, const struct dependents *dependents);
