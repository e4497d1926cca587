// SPDX-License-Identifier: BSD-3-Clause
// What the scheduler calls share (sys_sched.c, sched_policy.c, ioprio.c). With process_lock held but for with_thread.
#pragma once

#include "libos/thread/thread.h"

// Runs step on a thread (0: the caller) under process_lock. Its result, or -ESRCH.
long with_thread(int tid, long (*step)(struct thread *thread, void *arg), void *arg);
// May the caller change how the thread is scheduled (sched(7))?
bool may_schedule(struct thread *thread);
// May the thread be as nice as this (RLIMIT_NICE, or the caller's CAP_SYS_NICE)?
bool may_be_nice(const struct thread *thread, int nice);
// Calls step for the threads that `which` (PRIO_*) and `who` (0: the caller's) name: one, a group's, a user's. Its last
// error (0: of none), -ESRCH if there are none. Takes process_lock.
long for_priority(int which, int who, long (*step)(struct thread *thread, int *value), int *value);
// What a new thread of `parent` has of its scheduling (SCHED_RESET_ON_FORK: less).
void sched_inherit(struct thread *child, const struct thread *parent);
