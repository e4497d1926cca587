// SPDX-License-Identifier: BSD-3-Clause
// Sets of System V semaphores (semop(2)). Who changes a value makes, for those who wait, what can be made now, in the
// order in which they came: so a set of operations happens at one moment, whoever's thread does it.
#include "libos/ipc/sem.h"

#include "abi/linux/abi.h"
#include "libos/fs/fs.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"

struct sysv_table sem_table = { .limit = SEM_SETS };

static void undo_ops(struct sem_set *set, const struct sembuf *ops, u32 made)
{
    while (made--)
        set->sems[ops[made].sem_num].value -= ops[made].sem_op;
}

// What the end of the process would have to add must stay within what a semaphore can take.
static bool undo_fits(const struct sem_undo *undo, const struct sembuf *ops, u32 count)
{
    for (u32 i = 0; undo && i < count; i++) {
        int adjust = undo->adjust[ops[i].sem_num];
        for (u32 j = 0; j <= i; j++)
            if (ops[j].sem_num == ops[i].sem_num && (ops[j].sem_flg & SEM_UNDO))
                adjust -= ops[j].sem_op;
        if (adjust < -SEM_VALUE_MAX - 1 || adjust > SEM_VALUE_MAX)
            return false;
    }
    return true;
}

static void note(struct sem_set *set, const struct sembuf *ops, u32 count, u32 pid, struct sem_undo *undo)
{
    for (u32 i = 0; i < count; i++) {
        set->sems[ops[i].sem_num].pid = pid;
        if (undo && (ops[i].sem_flg & SEM_UNDO))
            undo->adjust[ops[i].sem_num] = (s16)(undo->adjust[ops[i].sem_num] - ops[i].sem_op);
    }
    set->otime = time_realtime_ns() / NSEC_PER_SEC;
}

int sem_try(struct sem_set *set, const struct sembuf *ops, u32 count, u32 pid, struct sem_undo *undo, u32 *ret_blocking)
{
    for (u32 i = 0; i < count; i++) {
        struct sem *sem = &set->sems[ops[i].sem_num];
        int value = sem->value + ops[i].sem_op;
        bool waits = ops[i].sem_op ? value < 0 : sem->value != 0;
        if (waits || value > SEM_VALUE_MAX) {
            undo_ops(set, ops, i);
            *ret_blocking = i;
            return waits ? 1 : -ERANGE;
        }
        sem->value = value;
    }
    if (!undo_fits(undo, ops, count)) {
        undo_ops(set, ops, count);
        return -ERANGE;
    }
    note(set, ops, count, pid, undo);
    return 0;
}

static void finish(struct sem_wait *wait, int result, struct wake_list *list)
{
    struct slot_wake *slot = wait->waiter.slot;

    list_del(&wait->link);
    wait->result = result;
    wait->done = true;
    __atomic_store_n(&wait->waiter.woken, true, __ATOMIC_RELEASE);
    wake_list_add(list, slot);
}

// One pass over those who wait. True: one of them changed values.
static bool serve_waiting(struct sem_set *set, struct wake_list *list)
{
    struct sem_wait *wait, *next;
    bool changed = false;

    list_for_each_safe (wait, next, &set->pending, link) {
        int result = sem_try(set, wait->ops, wait->count, wait->pid, wait->undo, &wait->blocking);
        if (result == 1)
            continue;
        for (u32 i = 0; !result && i < wait->count; i++)
            changed |= wait->ops[i].sem_op != 0;
        finish(wait, result, list);
    }
    return changed;
}

void sem_changed(struct sem_set *set, struct wake_list *list)
{
    while (serve_waiting(set, list))
        ;
}

void sem_set_remove(struct sem_set *set, struct wake_list *list)
{
    struct sem_wait *wait, *next;

    sysv_remove(&sem_table, &set->sysv);
    list_for_each_safe (wait, next, &set->pending, link)
        finish(wait, -EIDRM, list);
}

void sem_set_free(struct sem_set *set)
{
    struct sem_undo *undo, *next;

    list_for_each_safe (undo, next, &set->undos, link)
        kfree(undo);
    kfree(set);
}

static void apply(struct sem_set *set, const struct sem_undo *undo)
{
    for (u32 i = 0; i < set->count; i++) {
        if (!undo->adjust[i])
            continue;
        struct sem *sem = &set->sems[i];
        sem->value = MAX(0, MIN(sem->value + undo->adjust[i], (int)SEM_VALUE_MAX));
        sem->pid = undo->pid;
    }
}

// Undoes in one set; the record of it, to be freed, or NULL.
static struct sem_undo *process_ends(struct sem_set *set, u32 pid, struct wake_list *list)
{
    struct sem_undo *undo;

    list_for_each (undo, &set->undos, link) {
        if (undo->pid != pid)
            continue;
        list_del(&undo->link);
        apply(set, undo);
        sem_changed(set, list);
        return undo;
    }
    return NULL;
}

void sem_process_ends(u32 pid)
{
    struct wake_list list;

    if (!READ_ONCE(sem_table.used))
        return;
    for (int slot = 0; slot < SYSV_SLOTS; slot++) {
        struct sysv *object;
        if (!READ_ONCE(sem_table.slots[slot]))
            continue;
        wake_list_init(&list);
        mutex_lock(&sysv_lock);
        struct sem_undo *undo = NULL;
        if (!sysv_get_slot(&sem_table, slot, &object))
            undo = process_ends(container_of(object, struct sem_set, sysv), pid, &list);
        mutex_unlock(&sysv_lock);
        wake_list_flush(&list);
        kfree(undo);
    }
}

void sem_show(struct proc_text *text)
{
    proc_print(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    mutex_lock(&sysv_lock);
    for (u32 i = 0; i < SYSV_SLOTS; i++) {
        if (!sem_table.slots[i])
            continue;
        const struct sysv *v = sem_table.slots[i];
        const struct sem_set *set = container_of(v, const struct sem_set, sysv);
        proc_print(text, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", v->key, v->id, v->mode, set->count,
                   v->uid, v->gid, v->cuid, v->cgid, set->otime, set->ctime);
    }
    mutex_unlock(&sysv_lock);
}
