// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "platform/platform.h"

// Maps a signed enclave file and checks its structure (not its signature: that is the CPU's part). 0 or -errno, after
// saying on stderr what is wrong.
int enclave_file_open(const char *path, struct enclave_file *ret_file);
