// SPDX-License-Identifier: BSD-3-Clause
// Debug access to enclaves.
#pragma once

#include "front/os/task.h"

bool procmem_path(struct task *t, u64 address);
void procmem_opened(struct task *t, int fd);
void on_procmem(struct task *t);
