// SPDX-License-Identifier: BSD-3-Clause
// The sides of the LibOS that fs/ and ipc/ stand on, made of malloc, pthreads and futexes, so that the real code of fs,
// ipc and sync runs as host code. "User" memory is the test's own; addresses of the first page fault.
#pragma once

#include "libos/fs/file.h"
#include "libos/fs/memfs.h"
#include "libos/thread/thread.h"

// Mounts a fresh root with the lower tree (NULL: empty) and gives the calling thread a context and an empty descriptor
// table.
void fake_boot(const struct lower_tree *lower, u64 lower_root);
extern bool fake_on_volume;   // the root of the next fake_boot is one on a volume (fake_volume.c)
bool fake_volume_clean(void); // e2fsck agrees with what it holds
// Drops the context and the table, and the root.
void fake_shutdown(void);
s64 fake_blocks(void); // of the heap and of file pages that are allocated now

// Runs fn on another LibOS thread that shares the table and the context of the caller.
struct fake_thread *fake_thread_start(void (*fn)(void *), void *arg);
void fake_thread_join(struct fake_thread *thread);
struct thread *fake_thread_of(struct fake_thread *thread);
void fake_sleep_ms(u32 ms);
extern int fake_last_signal;       // raised by fs_raise_signal; 0: none
extern bool fake_short_copies;     // copies under a lock stop halfway, as where a page is absent
extern u64 fake_short_copies_seen; // how often they were asked
