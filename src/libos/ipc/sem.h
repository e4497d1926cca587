// SPDX-License-Identifier: BSD-3-Clause
// Private to sem.c and sys_sem.c: sets of System V semaphores.
#pragma once

#include "libos/ipc/sysv.h"
#include "libos/sync/wait.h"

#include <linux/sem.h>

enum { SEM_PER_SET = 32000, SEM_ALL = 1 << 18, SEM_OPS = 500, SEM_VALUE_MAX = 32767, SEM_SETS = SYSV_SLOTS };

struct sem {
    int value;
    u32 pid; // that changed it last
};

// What a process's end adds to the semaphores of a set.
struct sem_undo {
    struct list_head link;
    u32 pid, count; // semaphores of the set
    s16 adjust[];
};

struct sem_set {
    struct sysv sysv;
    s64 otime, ctime; // seconds
    u32 count;
    struct list_head pending; // struct sem_wait, in the order in which they came
    struct list_head undos;
    struct sem sems[];
};

// A caller that waits, on its stack. Guarded by sysv_lock.
struct sem_wait {
    struct list_head link;
    struct waiter waiter;
    struct sembuf *ops;
    u32 count, blocking; // index of the operation that cannot be made now
    u32 pid;
    struct sem_undo *undo;
    bool done;
    int result;
};

extern struct sysv_table sem_table;

// All with sysv_lock held. Callers collect into the list and flush after they gave the lock up.

// Makes all operations or none: 0, -ERANGE, or 1: it has to wait for operation *ret_blocking.
int sem_try(struct sem_set *set, const struct sembuf *ops, u32 count, u32 pid, struct sem_undo *undo,
            u32 *ret_blocking);
// Values have changed: makes what can be made of what waits.
void sem_changed(struct sem_set *set, struct wake_list *list);
// Takes the set out of the table: who waits hears -EIDRM. The caller frees it after the lock.
void sem_set_remove(struct sem_set *set, struct wake_list *list);
void sem_set_free(struct sem_set *set);
