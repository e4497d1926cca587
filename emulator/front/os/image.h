// SPDX-License-Identifier: BSD-3-Clause
// The vDSO image in the traced programs, and the instructions that were replaced in them.
#pragma once

#include "front/os/task.h"

enum { EMU_IMAGE_PAGES = 3 };
// Where the image is mapped in every program; the system call filters exempt its 4 GiB.
#define EMU_IMAGE 0x1f0000000000ull
#define EMU_SCRATCH (EMU_IMAGE + 2 * EMU_PAGE)

u64 image_symbol(const char *name);
__nodiscard int image_install(struct task *t); // at the end of execve

bool patched_at(const struct task *t, u64 address); // an instruction there was replaced
void patched_add(struct mm *mm, u64 address);
