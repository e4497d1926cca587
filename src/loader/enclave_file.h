// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "platform/platform.h"

// Maps a signed enclave file, open as fd, and checks its structure (not its signature: that is the CPU's part). 0, and
// fd is the file's, or -errno after saying on stderr what is wrong with `path`.
int enclave_file_open(const char *path, int fd, struct enclave_file *ret_file);
