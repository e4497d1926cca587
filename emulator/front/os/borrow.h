// SPDX-License-Identifier: BSD-3-Clause
// A thread of another address space, stopped and lent out for system calls there.
#pragma once

#include "front/os/task.h"

struct loan {
    struct task *task;
    bool group_stop, nested;
};
__nodiscard bool mm_borrow(struct mm *mm, struct loan *ret_loan); // a stopped thread of it; false: none will stop
void mm_return(const struct loan *loan);
