// SPDX-License-Identifier: BSD-3-Clause
// fork and the part of threads in families, for process/ and boot.
#pragma once

#include "libos/vm/vm.h"

// fork(2): a child mm with the same areas as the current thread's mm, whose other threads are kept out until
// vm_fork_done. What the caller writes to its memory in between, the child alone sees. 0 or -ENOMEM.
__nodiscard int vm_fork(struct mm *parent, struct mm **ret_child);
// The child is resident, with one thread, which is about to start. The current thread's memory is not in place.
void vm_fork_done(struct mm *parent, struct mm *child);

// Maps at a fixed address that others have: the current thread's mm, of which it is the only thread and which has no
// family yet, becomes their relative, and they take turns there. Returns the address, or -ENOMEM (also if those are of
// several families).
__nodiscard s64 vm_map_beside(struct mm *mm, const struct vm_map_args *args);

// A thread gets, and no longer has, its reference of the mm. away: as thread->away of that thread says. Before the
// reference is dropped.
void vm_thread_starts(struct mm *mm);
void vm_thread_ends(struct mm *mm, bool away);

// Before a thread goes back to its program: gives its memory up to a relative that waits (THREAD_YIELD), and sees that
// it is in place.
void vm_yield(void);
void vm_come_back(void);

// Notifies (THREAD_YIELD) all threads of the mm but the current one; the mm is only compared. process/ sets it.
extern void (*vm_kick)(const struct mm *mm);
