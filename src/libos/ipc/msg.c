// SPDX-License-Identifier: BSD-3-Clause
// System V message queues (msgget(2), msgop(2), msgctl(2)). Who waits looks again at every change of the queue.
#include "base/string.h"
#include "libos/fs/fs.h"
#include "libos/ipc/sysv.h"
#include "libos/mem/heap.h"
#include "libos/sync/wait.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

#include <linux/msg.h>

enum { MESSAGE_MAX = 8192, QUEUE_BYTES = 16384, QUEUES = SYSV_SLOTS, ALL_BYTES = 8 << 20 };

struct message {
    struct list_head link;
    s64 type;
    size_t size;
    u8 text[];
};

struct msg_queue {
    struct sysv sysv;
    u32 refs; // the table's, and one for each caller that waits
    struct list_head messages;
    u64 count, bytes, limit;
    s64 stime, rtime, ctime; // seconds
    u32 lspid, lrpid;
    struct wait_queue room, arrivals;
};

static struct sysv_table table = { .limit = QUEUES };
static u64 all_bytes, all_messages; // in all queues; guarded by sysv_lock

static s64 now(void) { return time_realtime_ns() / NSEC_PER_SEC; }
static struct msg_queue *queue_of(struct sysv *object) { return container_of(object, struct msg_queue, sysv); }

static void put(struct msg_queue *queue)
{
    struct message *m, *next;

    mutex_lock(&sysv_lock);
    bool last = --queue->refs == 0;
    if (last) {
        all_bytes -= queue->bytes;
        all_messages -= queue->count;
    }
    mutex_unlock(&sysv_lock);
    if (!last)
        return;
    list_for_each_safe (m, next, &queue->messages, link)
        kfree(m);
    kfree(queue);
}

static int make(int key, int flags)
{
    struct msg_queue *queue = kzalloc(sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    int err = sysv_add(&table, &queue->sysv, key, flags);
    if (err) {
        kfree(queue);
        return err;
    }
    queue->refs = 1;
    queue->limit = QUEUE_BYTES;
    queue->ctime = now();
    list_init(&queue->messages);
    wait_queue_init(&queue->room);
    wait_queue_init(&queue->arrivals);
    return queue->sysv.id;
}

long sys_msgget(int key, int flags)
{
    struct sysv *object;
    bool makes;

    mutex_lock(&sysv_lock);
    int result = sysv_find(&table, key, flags, &object, &makes);
    if (makes)
        result = make(key, flags);
    else if (!result)
        result = object->id;
    mutex_unlock(&sysv_lock);
    return result;
}

// Sleeps until the queue changed, or ends. With sysv_lock held, which it gives up meanwhile. 0, -EIDRM, -EINTR.
static int wait_on(struct msg_queue *queue, struct wait_queue *changed)
{
    struct waiter waiter;

    queue->refs++;
    waiter_init(&waiter);
    wait_add(changed, &waiter);
    mutex_unlock(&sysv_lock);
    int err = waiter_sleep(&waiter, WAIT_FOREVER);
    wait_remove(changed, &waiter);
    mutex_lock(&sysv_lock);
    bool removed = queue->sysv.removed;
    mutex_unlock(&sysv_lock);
    put(queue);
    mutex_lock(&sysv_lock);
    if (removed)
        return -EIDRM;
    return err ? -ERESTARTNOHAND : 0;
}

// --- msgsnd

static bool has_room(const struct msg_queue *queue, size_t size)
{
    return queue->bytes + size <= queue->limit && queue->count + 1 <= queue->limit;
}

// With sysv_lock held; the message is the queue's when it returns 0.
static long send(int id, struct message *m, int flags, struct wake_list *list)
{
    struct sysv *object;

    for (;;) {
        int err = sysv_get(&table, id, &object);
        if (!err)
            err = sysv_permission(object, 02);
        if (err)
            return err;
        struct msg_queue *queue = queue_of(object);
        if (has_room(queue, m->size)) {
            if (all_bytes + m->size > ALL_BYTES || all_messages >= ALL_BYTES / 64)
                return -ENOMEM;
            list_add_tail(&m->link, &queue->messages);
            queue->count++, all_messages++;
            queue->bytes += m->size, all_bytes += m->size;
            queue->stime = now();
            queue->lspid = fs_current_pid();
            wake_collect_all(&queue->arrivals, list);
            return 0;
        }
        err = flags & IPC_NOWAIT ? -EAGAIN : wait_on(queue, &queue->room);
        if (err)
            return err;
    }
}

long sys_msgsnd(int id, const void __user *user, size_t size, int flags)
{
    struct wake_list list;
    s64 type;

    if (get_user(type, user))
        return -EFAULT;
    if (size > MESSAGE_MAX || id < 0 || type < 1)
        return -EINVAL;
    struct message *m = kmalloc(sizeof(*m) + size);
    if (!m)
        return -ENOMEM;
    m->type = type;
    m->size = size;
    if (copy_from_user(m->text, (const u8 __user *)user + sizeof(s64), size)) {
        kfree(m);
        return -EFAULT;
    }
    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = send(id, m, flags, &list);
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    if (result)
        kfree(m);
    return result;
}

// --- msgrcv

// The message that is asked for, or NULL. With MSG_COPY the type is its place.
static struct message *find(struct msg_queue *queue, s64 type, int flags)
{
    struct message *m, *lowest = NULL;
    s64 most = type == INT64_MIN ? INT64_MAX : -type, at = 0;

    list_for_each (m, &queue->messages, link) {
        if (flags & MSG_COPY) {
            if (at++ == type)
                return m;
        } else if (type < 0) {
            if (m->type <= most && (!lowest || m->type < lowest->type))
                lowest = m;
        } else if (!type || (m->type == type) != !!(flags & MSG_EXCEPT)) {
            return m;
        }
    }
    return lowest;
}

// Takes the message out, or a copy of it. 0 or -errno. With sysv_lock held.
static long take(struct msg_queue *queue, struct message *m, size_t size, int flags, struct message **ret_message,
                 struct wake_list *list)
{
    if (m->size > size && !(flags & MSG_NOERROR))
        return -E2BIG;
    if (flags & MSG_COPY) {
        struct message *copy = kmalloc(sizeof(*m) + m->size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, m, sizeof(*m) + m->size);
        *ret_message = copy;
        return 0;
    }
    list_del(&m->link);
    queue->count--, all_messages--;
    queue->bytes -= m->size, all_bytes -= m->size;
    queue->rtime = now();
    queue->lrpid = fs_current_pid();
    wake_collect_all(&queue->room, list);
    *ret_message = m;
    return 0;
}

static long receive(int id, size_t size, s64 type, int flags, struct message **ret_message, struct wake_list *list)
{
    struct sysv *object;

    for (;;) {
        int err = sysv_get(&table, id, &object);
        if (!err)
            err = sysv_permission(object, 04);
        if (err)
            return err;
        struct message *m = find(queue_of(object), type, flags);
        if (m)
            return take(queue_of(object), m, size, flags, ret_message, list);
        err = flags & IPC_NOWAIT ? -ENOMSG : wait_on(queue_of(object), &queue_of(object)->arrivals);
        if (err)
            return err;
    }
}

long sys_msgrcv(int id, void __user *user, size_t size, s64 type, int flags)
{
    struct wake_list list;
    struct message *m = NULL;

    if (id < 0 || (s64)size < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = receive(id, size, type, flags, &m, &list);
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    if (result)
        return result;
    size_t n = MIN(size, m->size);
    if (put_user(m->type, (s64 __user *)user) || copy_to_user((u8 __user *)user + sizeof(s64), m->text, n))
        result = -EFAULT;
    kfree(m);
    return result ? result : (long)n;
}

// --- msgctl

static long info(int command, void __user *user)
{
    struct msginfo msginfo = { .msgpool = QUEUES * QUEUE_BYTES / 1024,
                               .msgmap = QUEUE_BYTES,
                               .msgmax = MESSAGE_MAX,
                               .msgmnb = QUEUE_BYTES,
                               .msgmni = QUEUES,
                               .msgssz = 16,
                               .msgtql = QUEUE_BYTES,
                               .msgseg = 0xffff };
    mutex_lock(&sysv_lock);
    int highest = sysv_highest(&table);
    if (command == MSG_INFO) {
        msginfo.msgpool = (int)table.used;
        msginfo.msgmap = (int)all_messages;
        msginfo.msgtql = (int)all_bytes;
    }
    mutex_unlock(&sysv_lock);
    return copy_to_user(user, &msginfo, sizeof(msginfo)) ? -EFAULT : highest;
}

static long stat_queue(int id, int command, void __user *user)
{
    struct msqid64_ds ds = { 0 };
    struct sysv *object;

    mutex_lock(&sysv_lock);
    long result = command == IPC_STAT ? sysv_get(&table, id, &object) : sysv_get_slot(&table, id, &object);
    if (!result && command != MSG_STAT_ANY)
        result = sysv_permission(object, 04);
    if (!result) {
        const struct msg_queue *queue = queue_of(object);
        sysv_describe(object, &ds.msg_perm);
        ds.msg_stime = queue->stime;
        ds.msg_rtime = queue->rtime;
        ds.msg_ctime = queue->ctime;
        ds.msg_cbytes = queue->bytes;
        ds.msg_qnum = queue->count;
        ds.msg_qbytes = queue->limit;
        ds.msg_lspid = (int)queue->lspid;
        ds.msg_lrpid = (int)queue->lrpid;
        result = command == IPC_STAT ? 0 : object->id;
    }
    mutex_unlock(&sysv_lock);
    return result >= 0 && copy_to_user(user, &ds, sizeof(ds)) ? -EFAULT : result;
}

static long change_queue(int id, const void __user *user)
{
    struct wake_list list;
    struct msqid64_ds ds;
    struct sysv *object;

    if (copy_from_user(&ds, user, sizeof(ds)))
        return -EFAULT;
    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&table, id, &object);
    if (!result)
        result = sysv_owned(object);
    if (!result && ds.msg_qbytes > QUEUE_BYTES && !capable(CAP_SYS_RESOURCE))
        result = -EPERM;
    if (!result) {
        sysv_set_owner(object, &ds.msg_perm);
        queue_of(object)->limit = MIN(ds.msg_qbytes, (unsigned long)INT32_MAX);
        queue_of(object)->ctime = now();
        wake_collect_all(&queue_of(object)->room, &list);
        wake_collect_all(&queue_of(object)->arrivals, &list);
    }
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    return result;
}

static long remove_queue(int id)
{
    struct wake_list list;
    struct sysv *object;

    wake_list_init(&list);
    mutex_lock(&sysv_lock);
    long result = sysv_get(&table, id, &object);
    if (!result)
        result = sysv_owned(object);
    if (!result) {
        sysv_remove(&table, object);
        wake_collect_all(&queue_of(object)->room, &list);
        wake_collect_all(&queue_of(object)->arrivals, &list);
    }
    mutex_unlock(&sysv_lock);
    wake_list_flush(&list);
    if (!result)
        put(queue_of(object));
    return result;
}

long sys_msgctl(int id, int command, void __user *user)
{
    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        return info(command, user);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return stat_queue(id, command, user);
    case IPC_SET:
        return change_queue(id, user);
    case IPC_RMID:
        return remove_queue(id);
    default:
        return -EINVAL;
    }
}

void msg_show(struct proc_text *text)
{
    proc_print(text,
               "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime "
               "     rtime      ctime\n");
    mutex_lock(&sysv_lock);
    for (u32 i = 0; i < SYSV_SLOTS; i++) {
        if (!table.slots[i])
            continue;
        const struct sysv *v = table.slots[i];
        const struct msg_queue *q = queue_of(table.slots[i]);
        proc_print(text, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n", v->key, v->id,
                   v->mode, q->bytes, q->count, q->lspid, q->lrpid, v->uid, v->gid, v->cuid, v->cgid, q->stime,
                   q->rtime, q->ctime);
    }
    mutex_unlock(&sysv_lock);
}
