// SPDX-License-Identifier: BSD-3-Clause
// The host's descriptors 0, 1 and 2 as files.
#pragma once

#include "libos/fs/file.h"

__nodiscard int hostio_open(int host_fd, u32 flags, struct file **ret_file);
// Makes file the terminal behind a standard stream; -ENXIO if that is none.
int hostio_attach_tty(int host_fd, struct file *file);
