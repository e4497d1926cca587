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
    struct mutex lock;
    struct vm_object *object; // made by the first mapping; fake_file_done frees it
    bool volatile_pages;      // as a file in memory: mappings hold the only copy of a page, nothing is written back
};
void fake_file_done(struct fake_file *file);
// read(2) and write(2) of a byte of a file that is perhaps mapped.
int fake_file_get(struct fake_file *file, u64 offset);
void fake_file_set(struct fake_file *file, u64 offset, u8 value);

extern const struct vm_file_ops fake_file_ops;
extern struct thread fake_thread; // current
extern int fake_log_errors;
struct mm *fake_mm_new(void); // also current->mm
