// SPDX-License-Identifier: BSD-3-Clause
// epoll(7). An instance holds no references of the files it watches: a file whose last reference goes takes itself out.
#pragma once

#include "libos/fs/file.h"

// The last reference of a watched file (file->watches is set) is gone: called before the file is taken apart. May
// sleep.
void epoll_forget_file(struct file *file);
