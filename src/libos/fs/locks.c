// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/locks.h"
#include "libos/fs/file.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"

struct lock {
    struct list_head link;
    u64 start, end;    // inclusive end
    const void *owner; // a table of descriptors, or an open file
    u32 pid;
    bool write;
    bool whole;       // flock
    bool description; // of an open file (F_OFD_SETLK)
};

struct file_locks {
    struct list_head list;
    struct wait_queue released;
};

static struct mutex table_lock = MUTEX_INIT(LOCK_FILE_LOCKS);

static struct file_locks *locks_of(struct inode *inode)
{
    if (!inode->locks) {
        struct file_locks *locks = kzalloc(sizeof(*locks));
        if (!locks)
            return NULL;
        list_init(&locks->list);
        wait_queue_init(&locks->released);
        inode->locks = locks;
        WRITE_ONCE(inode->has_locks, true);
    }
    return inode->locks;
}

static bool overlaps(const struct lock *a, const struct lock *b) { return a->start <= b->end && b->start <= a->end; }

static struct lock *conflict(struct file_locks *locks, const struct lock *wanted)
{
    struct lock *lock;
    list_for_each (lock, &locks->list, link) {
        if (lock->whole == wanted->whole && lock->owner != wanted->owner && overlaps(lock, wanted) &&
            (lock->write || wanted->write))
            return lock;
    }
    return NULL;
}

// Takes the range out of what the owner holds; a hole in the middle needs the spare.
static void carve(struct file_locks *locks, const struct lock *range, struct lock **spare)
{
    struct lock *lock, *next;
    list_for_each_safe (lock, next, &locks->list, link) {
        if (lock->owner != range->owner || lock->whole != range->whole || !overlaps(lock, range))
            continue;
        if (lock->start < range->start && lock->end > range->end && *spare) {
            **spare = *lock;
            (*spare)->start = range->end + 1;
            list_add(&(*spare)->link, &lock->link);
            *spare = NULL;
            lock->end = range->start - 1;
        } else if (lock->start < range->start) {
            lock->end = range->start - 1;
        } else if (lock->end > range->end) {
            lock->start = range->end + 1;
        } else {
            list_del(&lock->link);
            kfree(lock);
        }
    }
}

// What the owner has next to the new lock and of its kind becomes part of it.
static void merge(struct file_locks *locks, struct lock *new)
{
    struct lock *lock, *next;
    list_for_each_safe (lock, next, &locks->list, link) {
        if (lock->owner != new->owner || lock->whole != new->whole || lock->write != new->write)
            continue;
        if (lock->end + 1 != new->start &&new->end + 1 != lock->start)
            continue;
        new->start = MIN(new->start, lock->start);
        new->end = MAX(new->end, lock->end);
        list_del(&lock->link);
        kfree(lock);
    }
}

static void insert(struct file_locks *locks, struct lock *new)
{
    struct lock *lock;
    list_for_each (lock, &locks->list, link)
        if (lock->start > new->start)
            break;
    list_add_tail(&new->link, &lock->link);
}

// Who waits for a record lock, on the waiter's stack; all of them, guarded by table_lock.
struct blocked {
    struct list_head link;
    const void *owner, *by; // whose lock is in the way
};
static struct list_head all_blocked = LIST_INIT(all_blocked);

// Would waiting for the lock of `by` never end, because its owner waits for the one that asks (fcntl(2))?
static bool is_deadlock(const void *owner, const void *by)
{
    enum { LINKS_MAX = 10 };
    for (int i = 0; i < LINKS_MAX; i++) {
        const struct blocked *b, *found = NULL;
        if (by == owner)
            return true;
        list_for_each (b, &all_blocked, link)
            if (b->owner == by)
                found = b;
        if (!found)
            return false;
        by = found->by;
    }
    return false;
}

// 0, -EAGAIN and who is in the way, -EDEADLK, -ENOLCK. blocked: the caller will wait, and is listed as long; or NULL.
static long set_lock(struct inode *inode, const struct lock *wanted, bool unlock, struct blocked *blocked)
{
    struct lock *new = kzalloc(sizeof(*new)), *spare = kzalloc(sizeof(*spare)), *other;
    long err = spare && new != NULL ? 0 : -ENOLCK;

    mutex_lock(&table_lock);
    struct file_locks *locks = err ? NULL : locks_of(inode);
    if (blocked && blocked->by)
        list_del(&blocked->link);
    if (blocked)
        blocked->by = NULL;
    if (!locks) {
        err = -ENOLCK;
    } else if (!unlock && (other = conflict(locks, wanted))) {
        err = -EAGAIN;
        if (wanted->whole)
            carve(locks, wanted, &spare); // a lock that cannot be converted is lost (flock(2))
        if (blocked && is_deadlock(wanted->owner, other->owner)) {
            err = -EDEADLK;
        } else if (blocked) {
            *blocked = (struct blocked){ .owner = wanted->owner, .by = other->owner };
            list_add(&blocked->link, &all_blocked);
        }
    } else {
        carve(locks, wanted, &spare);
        if (!unlock) {
            *new = *wanted;
            merge(locks, new);
            insert(locks, new);
            new = NULL;
        }
        wake_up_all(&locks->released);
    }
    mutex_unlock(&table_lock);
    kfree(new);
    kfree(spare);
    return err;
}

static long set_lock_waiting(struct inode *inode, const struct lock *wanted)
{
    // Only processes wait for one another in circles that can be seen: an open file waits for nobody.
    struct blocked blocked = { 0 }, *listed = wanted->whole || wanted->description ? NULL : &blocked;
    struct waiter waiter;
    long err;
    int interrupted = 0;

    waiter_init(&waiter);
    mutex_lock(&table_lock);
    struct file_locks *locks = locks_of(inode);
    mutex_unlock(&table_lock);
    if (!locks)
        return -ENOLCK;
    wait_add(&locks->released, &waiter);
    while ((err = set_lock(inode, wanted, false, listed)) == -EAGAIN && !interrupted)
        interrupted = waiter_sleep(&waiter, WAIT_FOREVER);
    wait_remove(&locks->released, &waiter);
    if (blocked.by) {
        mutex_lock(&table_lock);
        list_del(&blocked.link);
        mutex_unlock(&table_lock);
    }
    return err == -EAGAIN ? -ERESTARTSYS : err;
}

static long get_lock(struct inode *inode, const struct lock *wanted, struct flock *out)
{
    mutex_lock(&table_lock);
    struct lock *found = inode->locks ? conflict(inode->locks, wanted) : NULL;
    if (found) {
        out->l_type = found->write ? F_WRLCK : F_RDLCK;
        out->l_whence = 0;
        out->l_start = (s64)found->start;
        out->l_len = found->end == INT64_MAX ? 0 : (s64)(found->end - found->start + 1);
        out->l_pid = found->description ? -1 : (int)found->pid;
    } else {
        out->l_type = F_UNLCK;
    }
    mutex_unlock(&table_lock);
    return 0;
}

long file_locks_fcntl(struct file *file, int command, struct flock *lock)
{
    bool description = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    struct lock wanted = {
        .start = (u64)lock->l_start,
        .end = lock->l_len ? (u64)(lock->l_start + lock->l_len - 1) : INT64_MAX,
        .owner = description ? (const void *)file : (const void *)current->files,
        .pid = fs_current_pid(),
        .write = lock->l_type == F_WRLCK,
        .description = description,
    };

    if (description && lock->l_pid)
        return -EINVAL;
    if (command == F_GETLK || command == F_OFD_GETLK)
        return get_lock(file->inode, &wanted, lock);
    if ((lock->l_type == F_RDLCK && !file_readable(file)) || (lock->l_type == F_WRLCK && !file_writable(file)))
        return -EBADF;
    if (lock->l_type == F_UNLCK)
        return set_lock(file->inode, &wanted, true, NULL);
    if (command == F_SETLKW || command == F_OFD_SETLKW)
        return set_lock_waiting(file->inode, &wanted);
    return set_lock(file->inode, &wanted, false, NULL);
}

long file_locks_flock(struct file *file, int operation)
{
    struct lock wanted = { .end = INT64_MAX,
                           .owner = file,
                           .pid = fs_current_pid(),
                           .whole = true,
                           .write = (operation & ~LOCK_NB) == LOCK_EX };

    if (operation & LOCK_MAND)
        return 0; // as Linux, which no longer has these
    switch (operation & ~LOCK_NB) {
    case LOCK_UN:
        return set_lock(file->inode, &wanted, true, NULL);
    case LOCK_SH:
    case LOCK_EX:
        return operation & LOCK_NB ? set_lock(file->inode, &wanted, false, NULL)
                                   : set_lock_waiting(file->inode, &wanted);
    default:
        return -EINVAL;
    }
}

static void release_owner(struct inode *inode, const void *owner)
{
    struct lock *lock, *next;

    mutex_lock(&table_lock);
    if (inode->locks) {
        list_for_each_safe (lock, next, &inode->locks->list, link) {
            if (lock->owner != owner)
                continue;
            list_del(&lock->link);
            kfree(lock);
        }
        wake_up_all(&inode->locks->released);
    }
    mutex_unlock(&table_lock);
}

void posix_locks_release(struct file *file, struct files *owner)
{
    if (file->inode && READ_ONCE(file->inode->has_locks))
        release_owner(file->inode, owner);
}

void file_locks_release_description(struct file *file)
{
    if (file->inode && READ_ONCE(file->inode->has_locks))
        release_owner(file->inode, file);
}

void file_locks_free(struct inode *inode)
{
    kfree(inode->locks);
    inode->locks = NULL;
}
