// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/poll.h"
#include "base/string.h"
#include "libos/fs/hostpoll.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"

static struct poll_entry *next_entry(struct poll_set *set)
{
    if (set->inline_count < POLL_INLINE)
        return &set->inline_entries[set->inline_count++];
    struct poll_chunk *chunk = set->chunks;
    if (!chunk || chunk->count == POLL_CHUNK) {
        chunk = kmalloc(sizeof(*chunk));
        if (!chunk)
            return NULL;
        chunk->count = 0;
        chunk->next = set->chunks;
        set->chunks = chunk;
    }
    return &chunk->entries[chunk->count++];
}

static void add(struct poll_table *table, struct wait_queue *queue)
{
    struct poll_set *set = container_of(table, struct poll_set, table);
    struct poll_entry *entry = next_entry(set);

    if (!entry) {
        set->err = -ENOMEM;
        return;
    }
    entry->queue = queue;
    waiter_init(&entry->waiter);
    wait_add(queue, &entry->waiter);
}

void poll_set_init(struct poll_set *set)
{
    set->table = (struct poll_table){ .add = add, .until = WAIT_FOREVER };
    set->err = 0;
    set->inline_count = 0;
    set->chunks = NULL;
}

static void remove_entries(struct poll_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wait_remove(entries[i].queue, &entries[i].waiter);
}

void poll_set_done(struct poll_set *set)
{
    struct poll_chunk *chunk;

    remove_entries(set->inline_entries, set->inline_count);
    while ((chunk = set->chunks)) {
        set->chunks = chunk->next;
        remove_entries(chunk->entries, chunk->count);
        kfree(chunk);
    }
}

static bool take_wakeups_of(struct poll_entry *entries, size_t count)
{
    bool woken = false;
    for (size_t i = 0; i < count; i++)
        woken |= __atomic_exchange_n(&entries[i].waiter.woken, false, __ATOMIC_ACQ_REL);
    return woken;
}

static bool take_wakeups(struct poll_set *set)
{
    bool woken = take_wakeups_of(set->inline_entries, set->inline_count);
    for (struct poll_chunk *chunk = set->chunks; chunk; chunk = chunk->next)
        woken |= take_wakeups_of(chunk->entries, chunk->count);
    return woken;
}

int poll_set_sleep(struct poll_set *set, s64 deadline_ns)
{
    if (set->err)
        return set->err;
    if (take_wakeups(set))
        return 0;
    if (thread_interrupted(current))
        return -EINTR;
    if (deadline_ns != WAIT_FOREVER && time_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    hostpoll_sleep(MIN(deadline_ns, set->table.until));
    take_wakeups(set);
    return 0;
}

u32 file_poll(struct file *file, struct poll_table *table)
{
    return file->ops->poll ? file->ops->poll(file, table) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}
