// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/file.h"

bool file_is_eventfd(const struct file *file);
// Adds one, as the completion of a request does (io_submit(2)). Never waits: a full counter stays full.
void eventfd_signal(struct file *file);
