// SPDX-License-Identifier: BSD-3-Clause
// kcmp(2): do two threads share a table, a description, a memory? The order that is told of what differs hides where
// things lie.
#include <linux/kcmp.h>

#include "libos/fs/file.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "trusted/random.h"

// Order of two objects, in numbers that say nothing of addresses: as kcmp answers.
static long order(const void *a, const void *b)
{
    static u64 secret;
    u64 none = 0, fresh;

    if (a == b)
        return 0;
    if (!__atomic_load_n(&secret, __ATOMIC_RELAXED)) {
        random_bytes(&fresh, sizeof(fresh));
        __atomic_compare_exchange_n(&secret, &none, fresh | 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    u64 odd = __atomic_load_n(&secret, __ATOMIC_RELAXED);
    return (u64)(uintptr_t)a * odd < (u64)(uintptr_t)b * odd ? 1 : 2;
}

// The open file of a descriptor in a table, as a number only: it is not referenced. Drops the table.
static const void *file_of(struct files *files, u64 fd)
{
    struct file *file = NULL;
    const void *identity = NULL;

    if (!files)
        return NULL;
    int found = fd <= INT32_MAX ? files_next(files, (int)fd, &file) : -1;
    if (found >= 0 && (u64)found == fd)
        identity = file;
    if (found >= 0)
        file_unref(file);
    files_unref(files);
    return identity;
}

static long compare(struct thread *a, struct thread *b, int type)
{
    switch (type) {
    case KCMP_VM:
        return order(READ_ONCE(a->mm), READ_ONCE(b->mm));
    case KCMP_FILES:
        return order(READ_ONCE(a->files), READ_ONCE(b->files));
    case KCMP_FS:
        return order(READ_ONCE(a->fs), READ_ONCE(b->fs));
    case KCMP_SIGHAND:
    case KCMP_SYSVSEM:
        return order(a->process, b->process);
    case KCMP_IO:
        return 0; // nobody has any
    case KCMP_EPOLL_TFD:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

// Both threads, if the caller may look into their processes. With process_lock held.
static long find_both(int pid1, int pid2, struct thread *ret_threads[2])
{
    ret_threads[0] = process_find_thread((u32)pid1);
    ret_threads[1] = process_find_thread((u32)pid2);
    if (!ret_threads[0] || !ret_threads[1])
        return -ESRCH;
    return may_look_into(ret_threads[0]->process) || may_look_into(ret_threads[1]->process) ? -EPERM : 0;
}

long sys_kcmp(int pid1, int pid2, int type, u64 index1, u64 index2)
{
    struct thread *threads[2];
    struct files *one = NULL, *two = NULL;

    mutex_lock(&process_lock);
    long result = find_both(pid1, pid2, threads);
    bool of_files = !result && type == KCMP_FILE;
    if (of_files) {
        one = process_get_files(threads[0]->process);
        two = process_get_files(threads[1]->process);
    } else if (!result) {
        result = compare(threads[0], threads[1], type);
    }
    mutex_unlock(&process_lock);
    if (!of_files)
        return result;
    const void *x = file_of(one, index1), *y = file_of(two, index2);
    return x && y ? order(x, y) : -EBADF;
}
