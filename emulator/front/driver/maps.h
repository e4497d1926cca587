// SPDX-License-Identifier: BSD-3-Clause
// mmap, mprotect and munmap of programs with enclaves.
#pragma once

#include "front/cpu/view.h"

void on_mmap(struct task *t);
void on_mprotect(struct task *t);
void on_munmap(struct task *t);
void maps_adopt_early(struct task *t, struct encl *e);
