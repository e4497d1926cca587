// SPDX-License-Identifier: BSD-3-Clause
// Waiting for several files at once. A file's poll operation registers the wait queues that announce changes; files
// that are host descriptors name the descriptor instead, and the wait then happens in the host, where an unpark ends it
// too.
#pragma once

#include "libos/fs/file.h"

enum { POLL_INLINE = 8 };

struct poll_entry {
    struct waiter waiter;
    struct wait_queue *queue;
};

struct host_wait {
    int fd;
    u32 events;
};

struct poll_table {
    struct poll_entry *entries; // grows by kmalloc beyond the inline ones
    size_t count, room;
    struct poll_entry inline_entries[POLL_INLINE];
    struct host_wait host[POLL_INLINE * 4];
    size_t host_count;
    u32 wanted; // events of the descriptor that is being registered
    int err;    // -ENOMEM: could not register
    bool timed; // a registered file changes with the time alone,
    s64 until;  // next at this one (CLOCK_MONOTONIC ns)
};

void poll_table_init(struct poll_table *table);
void poll_table_done(struct poll_table *table);
// For poll operations; a NULL table registers nothing.
void poll_wait(struct poll_table *table, struct wait_queue *queue);
void poll_wait_host(struct poll_table *table, int host_fd);
void poll_wait_until(struct poll_table *table, s64 time_ns); // CLOCK_MONOTONIC; WAIT_FOREVER: never
// Sleeps until something registered may have changed: 0, -EINTR, -ETIMEDOUT.
int poll_sleep(struct poll_table *table, s64 deadline_ns);
// What holds now for the events asked (POLLERR, POLLHUP and POLLNVAL always).
u32 file_poll(struct file *file, struct poll_table *table);
