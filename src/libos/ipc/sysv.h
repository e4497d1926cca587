// SPDX-License-Identifier: BSD-3-Clause
// What the three kinds of System V IPC have in common (sysvipc(7)): ids, keys, owners and permissions.
#pragma once

#include "libos/sync/mutex.h"

#include <asm/ipcbuf.h>
#include <linux/ipc.h>

enum { SYSV_SLOTS = 4096, SYSV_SEQUENCES = 1 << 15 };

// The head of each object: guarded by sysv_lock, as is the rest of it unless it says otherwise.
struct sysv {
    int key, id;
    u32 uid, gid, cuid, cgid, mode; // owner, creator; mode: 9 bits
    bool removed;
};

struct sysv_table {
    struct sysv *slots[SYSV_SLOTS];
    u32 used, sequence;
    u32 limit; // objects at most
};

// All semaphores and message queues. The program's memory is not touched with it held.
extern struct mutex sysv_lock;

// All of the following with sysv_lock held.

// The object of an id. -EINVAL: there is none.
__nodiscard int sysv_get(struct sysv_table *table, int id, struct sysv **ret_object);
// For those who list all (ipcs): by slot. -EINVAL.
__nodiscard int sysv_get_slot(struct sysv_table *table, int slot, struct sysv **ret_object);
int sysv_highest(const struct sysv_table *table); // slot in use; 0: none
// semget(2) and msgget(2): the object of the key. 0; -ENOENT: one is to be made (sysv_add) - unless flags lack
// IPC_CREAT, which *ret_make tells; -EEXIST, -EACCES.
__nodiscard int sysv_find(struct sysv_table *table, int key, int flags, struct sysv **ret_object, bool *ret_make);
// Gives a new object its id, key, owner and mode. -ENOSPC.
__nodiscard int sysv_add(struct sysv_table *table, struct sysv *object, int key, int flags);
// What sysv_add fills in: the caller's object, with the id.
void sysv_own(struct sysv *object, int key, int id, int flags);
// What flags of a get call ask for, for sysv_permission.
static inline u32 sysv_wanted(int flags) { return (u32)(flags >> 6 | flags >> 3 | flags) & 07; }
void sysv_remove(struct sysv_table *table, struct sysv *object);
// May the caller read (04) or write (02) it? 0 or -EACCES.
__nodiscard int sysv_permission(const struct sysv *object, u32 wanted);
// May the caller change or remove it? 0 or -EPERM.
__nodiscard int sysv_owned(const struct sysv *object);
void sysv_describe(const struct sysv *object, struct ipc64_perm *ret_perm);
void sysv_set_owner(struct sysv *object, const struct ipc64_perm *perm); // IPC_SET

// /proc/sysvipc (proc(5)): each object of a kind, whoever asks. No lock held.
struct proc_text;
void sysv_show(struct proc_text *text, const char *kind);
void shm_show(struct proc_text *text);
void sem_show(struct proc_text *text);
void msg_show(struct proc_text *text);

// The end of a process: what it did to semaphores with SEM_UNDO is undone.
void sem_process_ends(u32 pid);
