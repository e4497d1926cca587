// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// At boot, before the first file is opened: tells fs/ what FIFOs are and who watches files (struct fs_special).
void ipc_init(void);

// For asynchronous I/O, which counts what is done in an eventfd(2).
struct file;
bool eventfd_is(const struct file *file);
void eventfd_signal(struct file *file); // one more, unless the counter is full
