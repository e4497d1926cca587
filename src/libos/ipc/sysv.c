// SPDX-License-Identifier: BSD-3-Clause
#include "libos/ipc/sysv.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "libos/thread/cred.h"

struct mutex sysv_lock = MUTEX_INIT(LOCK_SYSV);

int sysv_get_slot(struct sysv_table *table, int slot, struct sysv **ret_object)
{
    struct sysv *object = slot >= 0 && slot < SYSV_SLOTS ? table->slots[slot] : NULL;
    if (!object)
        return -EINVAL;
    *ret_object = object;
    return 0;
}

int sysv_get(struct sysv_table *table, int id, struct sysv **ret_object)
{
    int err = id < 0 ? -EINVAL : sysv_get_slot(table, id % SYSV_SLOTS, ret_object);
    return !err && (*ret_object)->id != id ? -EINVAL : err;
}

int sysv_highest(const struct sysv_table *table)
{
    for (int i = SYSV_SLOTS - 1; i > 0; i--)
        if (table->slots[i])
            return i;
    return 0;
}

int sysv_find(struct sysv_table *table, int key, int flags, struct sysv **ret_object, bool *ret_make)
{
    struct sysv *found = NULL;

    for (int i = 0; key != IPC_PRIVATE && i < SYSV_SLOTS; i++)
        if (table->slots[i] && table->slots[i]->key == key)
            found = table->slots[i];
    *ret_make = !found && (key == IPC_PRIVATE || (flags & IPC_CREAT));
    if (!found)
        return -ENOENT;
    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        return -EEXIST;
    *ret_object = found;
    return sysv_permission(found, sysv_wanted(flags));
}

void sysv_own(struct sysv *object, int key, int id, int flags)
{
    const struct cred *cred = current_cred();
    *object = (struct sysv){ .key = key,
                             .id = id,
                             .uid = cred->euid,
                             .gid = cred->egid,
                             .cuid = cred->euid,
                             .cgid = cred->egid,
                             .mode = (u32)flags & 0777 };
}

int sysv_add(struct sysv_table *table, struct sysv *object, int key, int flags)
{
    u32 slot = 0;

    while (slot < SYSV_SLOTS && table->slots[slot])
        slot++;
    if (slot == SYSV_SLOTS)
        return -ENOSPC;
    sysv_own(object, key, (int)(table->sequence * SYSV_SLOTS + slot), flags);
    table->sequence = (table->sequence + 1) % SYSV_SEQUENCES;
    WRITE_ONCE(table->slots[slot], object); // the ends of processes look without the lock (sem.c)
    WRITE_ONCE(table->used, table->used + 1);
    return 0;
}

void sysv_remove(struct sysv_table *table, struct sysv *object)
{
    WRITE_ONCE(table->slots[object->id % SYSV_SLOTS], NULL);
    WRITE_ONCE(table->used, table->used - 1);
    object->removed = true;
}

int sysv_permission(const struct sysv *object, u32 wanted)
{
    const struct cred *cred = current_cred();
    u32 granted = object->mode;

    if (cred->euid == object->uid || cred->euid == object->cuid)
        granted >>= 6;
    else if (cred_in_group(cred, object->gid) || cred_in_group(cred, object->cgid))
        granted >>= 3;
    return (wanted & ~granted & 07) && !cred_capable(cred, CAP_IPC_OWNER) ? -EACCES : 0;
}

int sysv_owned(const struct sysv *object)
{
    const struct cred *cred = current_cred();
    bool owns = cred->euid == object->uid || cred->euid == object->cuid;
    return owns || cred_capable(cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void sysv_describe(const struct sysv *object, struct ipc64_perm *ret_perm)
{
    *ret_perm = (struct ipc64_perm){
        .key = object->key,
        .uid = object->uid,
        .gid = object->gid,
        .cuid = object->cuid,
        .cgid = object->cgid,
        .mode = object->mode,
        .seq = (unsigned short)(object->id / SYSV_SLOTS),
    };
}

void sysv_set_owner(struct sysv *object, const struct ipc64_perm *perm)
{
    object->uid = perm->uid;
    object->gid = perm->gid;
    object->mode = perm->mode & 0777;
}

void sysv_show(struct proc_text *text, const char *kind)
{
    if (str_eq(kind, "shm"))
        shm_show(text);
    else if (str_eq(kind, "sem"))
        sem_show(text);
    else
        msg_show(text);
}
