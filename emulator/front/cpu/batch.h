// SPDX-License-Identifier: BSD-3-Clause
// Several leaves or touched pages in one stop: after a leaf or a touch, with the registers in t->regs.
#pragma once

#include "front/os/task.h"

bool batch_next_leaf(struct task *t,
                     bool go_on);   // goes on inside, if wanted; true: is at an EACCEPT, EACCEPTCOPY or EMODPE
void batch_touches(struct task *t); // goes on outside while the program reads pages it has no rights to
