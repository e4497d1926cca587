// SPDX-License-Identifier: BSD-3-Clause
// The LibOS's own left side for tests: one thread, and a file.
#pragma once

#include "libos/thread/thread.h"
#include "libos/vm/vm.h"

struct fake_file {
    s64 refs;
    u8 *bytes;
    u64 size;
    u64 reads, writes;
    u64 bad_page; // reading it fails; UINT64_MAX: none
};

extern const struct vm_file_ops fake_file_ops;
extern struct thread fake_thread; // current
extern int fake_log_errors;
struct mm *fake_mm_new(void); // also current->mm
