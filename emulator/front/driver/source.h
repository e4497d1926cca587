// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "front/os/task.h"

struct source { // the area looked up last
    u64 start, end;
    int verdict;
};

// 0; -EFAULT: not mapped or not readable; -EACCES: of a file system mounted noexec.
__nodiscard int source_check(struct task *t, struct source *s, u64 address);
// A signal waits for the thread: a long ioctl ends early with a partial count.
bool source_interrupted(struct task *t);
