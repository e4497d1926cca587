// SPDX-License-Identifier: BSD-3-Clause
// Private to what process/ shows in /proc/PID.
#pragma once

#include "libos/fs/fs.h"
#include "libos/process/process.h"

// A process as /proc shows it, or one thread of it. With process_lock held.
struct proc_view {
    struct process *process;
    struct thread *thread; // of task/TID, or the first; NULL: it has none any more
    bool one;              // of the thread alone
    // looked up before, without the lock; 0 where the memory is gone
    u64 mapped, areas;
    struct vm_rss rss;
};

void proc_write_stat(struct proc_text *text, const struct proc_view *view);
void proc_write_status(struct proc_text *text, const struct proc_view *view);
void proc_write_statm(struct proc_text *text, const struct proc_view *view);
// maps, smaps, smaps_rollup. Without process_lock.
void proc_write_maps(struct proc_text *text, struct mm *mm, const char *name);
