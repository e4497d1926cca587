// SPDX-License-Identifier: BSD-3-Clause
// Waiting for files. A file's poll operation says what holds now and names the wait queues that announce changes; who
// asks decides what to do with a queue: poll and select register for the time of one call, epoll for as long as the
// watch lives. Either holds the file, or takes itself out before the file goes.
#pragma once

#include "libos/fs/file.h"

struct poll_table {
    void (*add)(struct poll_table *table, struct wait_queue *queue); // NULL: registers nothing, asks for `until` only
    u32 wanted;                                                      // events asked for
    bool host;                                                       // a descriptor of the host was among the files
    s64 until; // the file changes with the time alone, next at this one (CLOCK_MONOTONIC ns; WAIT_FOREVER: never)
};

enum {
    POLL_READ_EVENTS = POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI | POLLRDHUP,
    POLL_WRITE_EVENTS = POLLOUT | POLLWRNORM | POLLWRBAND,
};

// For poll operations. A file names at most two queues; table may be NULL.
static inline void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
    if (table && table->add)
        table->add(table, queue);
}

// A queue for each direction: only those that can announce what is asked for, so that reading is no edge for who waits
// to read. POLLERR and POLLHUP wake both.
static inline void poll_wait_pair(struct poll_table *table, struct wait_queue *readable, struct wait_queue *writable)
{
    bool write = table && (table->wanted & POLL_WRITE_EVENTS);
    if (table && (!write || (table->wanted & POLL_READ_EVENTS)))
        poll_wait(table, readable);
    if (write)
        poll_wait(table, writable);
}

static inline void poll_wait_until(struct poll_table *table, s64 time_ns)
{
    if (table && time_ns < table->until)
        table->until = time_ns;
}

// What holds now for the file (POLL*); a file without a poll operation is always ready.
u32 file_poll(struct file *file, struct poll_table *table);

// The registrations of one call of poll or select. They never move, so no wake-up is lost when there come more.
enum { POLL_INLINE = 4, POLL_CHUNK = 60 };

struct poll_entry {
    struct waiter waiter;
    struct wait_queue *queue;
};

struct poll_chunk {
    struct poll_chunk *next;
    size_t count;
    struct poll_entry entries[POLL_CHUNK];
};

struct poll_set {
    struct poll_table table;
    int err; // -ENOMEM: could not register
    size_t inline_count;
    struct poll_entry inline_entries[POLL_INLINE];
    struct poll_chunk *chunks; // the newest first
};

void poll_set_init(struct poll_set *set);
// Every file that was registered must still be held.
void poll_set_done(struct poll_set *set);
// Sleeps until something registered may have changed, table.until comes, or the deadline (CLOCK_MONOTONIC ns). Returns
// 0, -EINTR, -ETIMEDOUT, or the error of registering.
__nodiscard int poll_set_sleep(struct poll_set *set, s64 deadline_ns);
