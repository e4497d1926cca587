// SPDX-License-Identifier: BSD-3-Clause
// Linux itself as the model: the same system calls on a directory of the host, to which this process is confined.
#pragma once

#include "base/types.h"

// Makes an empty directory on a tmpfs and confines a child process to it; the child goes on with the tests, the parent
// waits, removes the directory and ends with the child's status. with_proc: it sees the host's /proc (in its own mount
// namespace). False: not permitted here.
bool model_start(bool with_proc);
long model_call(long number, u64 a, u64 b, u64 c, u64 d, u64 e); // result or -errno
