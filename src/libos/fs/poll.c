// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/poll.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "trusted/ocall.h"

void poll_table_init(struct poll_table *table)
{
    memset(table, 0, sizeof(*table));
    table->entries = table->inline_entries;
    table->room = POLL_INLINE;
    table->until = WAIT_FOREVER;
}

void poll_table_done(struct poll_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        wait_remove(table->entries[i].queue, &table->entries[i].waiter);
    if (table->entries != table->inline_entries)
        kfree(table->entries);
}

// Moving registered waiters would break their links: they are taken out and put in again.
static bool enlarge(struct poll_table *table)
{
    size_t room = table->room * 4;
    struct poll_entry *entries = kmalloc(room * sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        wait_remove(table->entries[i].queue, &table->entries[i].waiter);
        entries[i].queue = table->entries[i].queue;
        waiter_init(&entries[i].waiter);
        wait_add(entries[i].queue, &entries[i].waiter);
    }
    if (table->entries != table->inline_entries)
        kfree(table->entries);
    table->entries = entries;
    table->room = room;
    return true;
}

void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
    if (!table)
        return;
    if (table->count == table->room && !enlarge(table)) {
        table->err = -ENOMEM;
        return;
    }
    struct poll_entry *entry = &table->entries[table->count++];
    entry->queue = queue;
    waiter_init(&entry->waiter);
    wait_add(queue, &entry->waiter);
}

void poll_wait_host(struct poll_table *table, int host_fd)
{
    if (!table)
        return;
    if (table->host_count == ARRAY_SIZE(table->host)) {
        table->err = -ENOMEM;
        return;
    }
    table->host[table->host_count++] = (struct host_wait){ host_fd, table->wanted };
}

void poll_wait_until(struct poll_table *table, s64 time_ns)
{
    if (!table)
        return;
    table->timed = true;
    table->until = MIN(table->until, time_ns);
}

static bool take_wakeups(struct poll_table *table)
{
    bool woken = false;
    for (size_t i = 0; i < table->count; i++)
        woken |= __atomic_exchange_n(&table->entries[i].waiter.woken, false, __ATOMIC_ACQ_REL);
    return woken;
}

// In the host's poll, which an unpark of this thread ends as well.
static void sleep_in_host(struct poll_table *table, s64 deadline_ns)
{
    struct host_pollfd fds[ARRAY_SIZE(table->host)];
    s16 revents[ARRAY_SIZE(table->host)];
    s64 timeout = deadline_ns == WAIT_FOREVER ? -1 : MAX(deadline_ns - time_monotonic_ns(), (s64)0);

    for (size_t i = 0; i < table->host_count; i++)
        fds[i] = (struct host_pollfd){ table->host[i].fd, (s16)table->host[i].events, 0 };
    if (thread_park_begin())
        ocall_poll(fds, revents, table->host_count, timeout);
    thread_park_end();
}

int poll_sleep(struct poll_table *table, s64 deadline_ns)
{
    if (table->err)
        return table->err;
    if (take_wakeups(table))
        return 0;
    if (thread_interrupted(current))
        return -EINTR;
    if (deadline_ns != WAIT_FOREVER && time_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    deadline_ns = MIN(deadline_ns, table->until);
    if (table->host_count)
        sleep_in_host(table, deadline_ns);
    else
        thread_park(deadline_ns);
    take_wakeups(table);
    return 0;
}

u32 file_poll(struct file *file, struct poll_table *table)
{
    return file->ops->poll ? file->ops->poll(file, table) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}
