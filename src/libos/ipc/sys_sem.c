// SPDX-License-Identifier: BSD-3-Clause
// The calls of System V semaphores: semget(2), semop(2), semctl(2).
#include "libos/fs/fs.h"
#include "libos/ipc/sem.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

static u32 all_sems; // in all sets; guarded by sysv_lock

static s64 now(void) { return time_realtime_ns() / NSEC_PER_SEC; }
static struct sem_set *set_of(struct sysv *object) { return container_of(object, struct sem_set, sysv); }

static int make(int key, u32 count, int flags)
{
    if (!count)
        return -EINVAL;
    if (all_sems + count > SEM_ALL)
        return -ENOSPC;
    struct sem_set *set = kzalloc(sizeof(*set) + count * sizeof(struct sem));
    if (!set)
        return -ENOMEM;
    int err = sysv_add(&sem_table, &set->sysv, key, flags);
    if (err) {
        kfree(set);
        return err;
    }
    set->count = count;
    set->ctime = now();
    list_init(&set->pending);
    list_init(&set->undos);
    all_sems += count;
    return set->sysv.id;
}

long sys_semget(int key, int count, int flags)
{
    struct sysv *object;
    bool makes;

    if (count < 0 || count > SEM_PER_SET)
        return -EINVAL;
    mutex_lock(&sysv_lock);
    int result = sysv_find(&sem_table, key, flags, &object, &makes);
    if (makes)
        result = make(key, (u32)count, flags);
    else if (!result)
        result = (u32)count > set_of(object)->count ? -EINVAL : object->id;
    mutex_unlock(&sysv_lock);
    return result;
}

// --- semop

// The record of what the process's end undoes in the set. spare: used for a new one, and then NULL.
static struct sem_undo *undo_of(struct sem_set *set, u32 pid, struct sem_undo **spare)
{
    struct sem_undo *undo;

    list_for_each (undo, &set->undos, link)
        if (undo->pid == pid)
            return undo;
    undo = *spare;
    *spare = NULL;
    undo->pid = pid;
    list_add(&undo->link, &set->undos);
    return undo;
}

// What the operations rule out before any is made. With sysv_lock held.
static int check_ops(const struct sem_set *set, const struct sembuf *ops, u32 count)
{
    bool alters = false;

    for (u32 i = 0; i < count; i++) {
        if (ops[i].sem_num >= set->count)
            return -EFBIG;
        alters |= ops[i].sem_op != 0;
    }
    return sysv_permission(&set->sysv, alters ? 02 : 04);
}

// With sysv_lock held, which it gives up while it sleeps. The set may be gone when it returns.
static long wait_for(struct sem_set *set, struct sem_wait *wait, s64 deadline)
{
    int err = 0;

    waiter_init(&wait->waiter);
    list_add_tail(&wait->link, &set->pending);
    while (!wait->done && !err) {
        mutex_unlock(&sysv_lock);
        err = waiter_sleep(&wait->waiter, deadline);
        mutex_lock(&sysv_lock);
    }
    if (wait->done)
        return wait->result;
    list_del(&wait->link);
    return err == -ETIMEDOUT ? -EAGAIN : err;
}

static bool wants_undo(const struct sembuf *ops, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (ops[i].sem_flg & SEM_UNDO)
            return true;
    return false;
}

// An undo record for a set of that id, as large as the set is. NULL: none is wanted, or *ret_err.
static struct sem_undo *undo_alloc(int id, const struct sembuf *ops, u32 count, int *ret_err)
{
    struct sysv *object;
    u32 sems = 0;

    *ret_err = 0;
    if (!wants_undo(ops, count))
        return NULL;
    mutex_lock(&sysv_lock);
    if (!sysv_get(&sem_table, id, &object))
        sems = set_of(object)->count;
    mutex_unlock(&sysv_lock);
    struct sem_undo *undo = kzalloc(sizeof(*undo) + sems * sizeof(undo->adjust[0]));
    *ret_err = undo ? 0 : -ENOMEM;
    if (undo)
        undo->count = sems;
    return undo;
}

static long do_ops(int id, struct sembuf *ops, u32 count, s64 deadline)
{
    struct sem_wait wait = { .ops = ops, .count = count, .pid = fs_current_pid() };
    struct wake_list list;
    struct sysv *object;
    int err;
    struct sem_undo *spare = undo_alloc(id, ops, count, &err);

    if (err)
        return err;
    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    struct sem_set *set = result ? NULL : set_of(object);
    if (!result)
        result = check_ops(set, ops, count);
    if (!result && spare && spare->count != set->count)
        result = -EIDRM; // the id is another set's by now
    if (!result && spare)
        wait.undo = undo_of(set, wait.pid, &spare);
    if (!result)
        result = sem_try(set, ops, count, wait.pid, wait.undo, &wait.blocking);
    if (result == 1)
        result = ops[wait.blocking].sem_flg & IPC_NOWAIT ? -EAGAIN : wait_for(set, &wait, deadline);
    else if (!result)
        sem_changed(set, &list);
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    kfree(spare);
    return result;
}

static long sem_op(int id, const struct sembuf __user *user, u32 count, s64 deadline)
{
    if (count < 1 || id < 0)
        return -EINVAL;
    if (count > SEM_OPS)
        return -E2BIG;
    struct sembuf *ops = kmalloc(count * sizeof(*ops));
    if (!ops)
        return -ENOMEM;
    long result = copy_from_user(ops, user, count * sizeof(*ops)) ? -EFAULT : do_ops(id, ops, count, deadline);
    kfree(ops);
    return result;
}

long sys_semop(int id, struct sembuf __user *ops, u32 count) { return sem_op(id, ops, count, WAIT_FOREVER); }

long sys_semtimedop(int id, struct sembuf __user *ops, u32 count, const struct __kernel_timespec __user *timeout)
{
    s64 ns;

    if (!timeout)
        return sem_op(id, ops, count, WAIT_FOREVER);
    int err = timespec_from_user(timeout, &ns);
    return err ? err : sem_op(id, ops, count, time_deadline_ns(ns));
}

// --- semctl

// Those who wait for the value to grow (or to be zero).
static long waiting(const struct sem_set *set, u32 number, bool zero)
{
    const struct sem_wait *wait;
    long count = 0;

    list_for_each (wait, &set->pending, link) {
        const struct sembuf *op = &wait->ops[wait->blocking];
        count += op->sem_num == number && (zero ? op->sem_op == 0 : op->sem_op < 0);
    }
    return count;
}

static long get_one(int id, u32 number, int command)
{
    struct sysv *object;

    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    const struct sem_set *set = result ? NULL : set_of(object);
    if (!result)
        result = sysv_permission(object, 04);
    if (!result && number >= set->count)
        result = -EINVAL;
    if (!result && command == GETVAL)
        result = set->sems[number].value;
    else if (!result && command == GETPID)
        result = (long)set->sems[number].pid;
    else if (!result)
        result = waiting(set, number, command == GETZCNT);
    mutex_unlock(&sysv_lock);
    return result;
}

// The value was set: nobody's end changes it any more.
static void forget_undos(struct sem_set *set, u32 number)
{
    struct sem_undo *undo;
    list_for_each (undo, &set->undos, link)
        undo->adjust[number] = 0;
}

static long set_one(int id, u32 number, int value)
{
    struct wake_list list;
    struct sysv *object;

    if (value < 0 || value > SEM_VALUE_MAX)
        return -ERANGE;
    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    struct sem_set *set = result ? NULL : set_of(object);
    if (!result && number >= set->count)
        result = -EINVAL;
    if (!result)
        result = sysv_permission(object, 02);
    if (!result) {
        forget_undos(set, number);
        set->sems[number] = (struct sem){ value, fs_current_pid() };
        set->ctime = now();
        sem_changed(set, &list);
    }
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    return result;
}

// The number of semaphores, when the caller may access all of them. -errno.
static long count_of(int id, u32 wanted)
{
    struct sysv *object;

    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    if (!result)
        result = sysv_permission(object, wanted);
    if (!result)
        result = set_of(object)->count;
    mutex_unlock(&sysv_lock);
    return result;
}

// Between the kernel's copy of `count` values and the set, which must still be there.
static long exchange_all(int id, u16 *values, u32 count, bool set_them)
{
    struct wake_list list;
    struct sysv *object;

    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object) ? -EIDRM : 0;
    struct sem_set *set = result ? NULL : set_of(object);
    if (!result && set->count != count)
        result = -EIDRM;
    for (u32 i = 0; !result && i < count; i++) {
        if (set_them) {
            forget_undos(set, i);
            set->sems[i] = (struct sem){ values[i], fs_current_pid() };
        } else {
            values[i] = (u16)set->sems[i].value;
        }
    }
    if (!result && set_them) {
        set->ctime = now();
        sem_changed(set, &list);
    }
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    return result;
}

static long all_values(int id, u16 __user *user, bool set_them)
{
    long count = count_of(id, set_them ? 02 : 04);
    if (count < 0)
        return count;
    size_t bytes = (size_t)count * sizeof(u16);
    u16 *values = kmalloc(bytes);
    if (!values)
        return -ENOMEM;
    long result = set_them && copy_from_user(values, user, bytes) ? -EFAULT : 0;
    for (long i = 0; !result && set_them && i < count; i++)
        result = values[i] > SEM_VALUE_MAX ? -ERANGE : 0;
    if (!result)
        result = exchange_all(id, values, (u32)count, set_them);
    if (!result && !set_them && copy_to_user(user, values, bytes))
        result = -EFAULT;
    kfree(values);
    return result;
}

static long info(int command, void __user *user)
{
    struct seminfo seminfo = { .semmap = (int)SEM_ALL,
                               .semmni = SEM_SETS,
                               .semmns = SEM_ALL,
                               .semmnu = SEM_ALL,
                               .semmsl = SEM_PER_SET,
                               .semopm = SEM_OPS,
                               .semume = SEM_OPS,
                               .semusz = 20,
                               .semvmx = SEM_VALUE_MAX,
                               .semaem = SEM_VALUE_MAX };
    mutex_lock(&sysv_lock);
    int highest = sysv_highest(&sem_table);
    if (command == SEM_INFO) {
        seminfo.semusz = (int)sem_table.used;
        seminfo.semaem = (int)all_sems;
    }
    mutex_unlock(&sysv_lock);
    return copy_to_user(user, &seminfo, sizeof(seminfo)) ? -EFAULT : highest;
}

static long stat_set(int id, int command, void __user *user)
{
    struct semid64_ds ds = { 0 };
    struct sysv *object;

    mutex_lock(&sysv_lock);
    long result = command == IPC_STAT ? sysv_get(&sem_table, id, &object) : sysv_get_slot(&sem_table, id, &object);
    if (!result && command != SEM_STAT_ANY)
        result = sysv_permission(object, 04);
    if (!result) {
        sysv_describe(object, &ds.sem_perm);
        ds.sem_otime = set_of(object)->otime;
        ds.sem_ctime = set_of(object)->ctime;
        ds.sem_nsems = set_of(object)->count;
        result = command == IPC_STAT ? 0 : object->id;
    }
    mutex_unlock(&sysv_lock);
    return result >= 0 && copy_to_user(user, &ds, sizeof(ds)) ? -EFAULT : result;
}

static long change_set(int id, const void __user *user)
{
    struct semid64_ds ds;
    struct sysv *object;

    if (copy_from_user(&ds, user, sizeof(ds)))
        return -EFAULT;
    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    if (!result)
        result = sysv_owned(object);
    if (!result) {
        sysv_set_owner(object, &ds.sem_perm);
        set_of(object)->ctime = now();
    }
    mutex_unlock(&sysv_lock);
    return result;
}

static long remove_set(int id)
{
    struct wake_list list;
    struct sysv *object;

    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&sem_table, id, &object);
    if (!result)
        result = sysv_owned(object);
    if (!result) {
        all_sems -= set_of(object)->count;
        sem_set_remove(set_of(object), &list);
    }
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    if (!result)
        sem_set_free(set_of(object));
    return result;
}

long sys_semctl(int id, int number, int command, u64 argument)
{
    if (id < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        return info(command, (void __user *)argument);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return stat_set(id, command, (void __user *)argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return get_one(id, (u32)number, command);
    case SETVAL:
        return set_one(id, (u32)number, (int)argument);
    case GETALL:
    case SETALL:
        return all_values(id, (u16 __user *)argument, command == SETALL);
    case IPC_SET:
        return change_set(id, (const void __user *)argument);
    case IPC_RMID:
        return remove_set(id);
    default:
        return -EINVAL;
    }
}
