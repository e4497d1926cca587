// SPDX-License-Identifier: BSD-3-Clause
// Private to the epoll*.c files.
#pragma once

#include "base/rbtree.h"
#include "libos/fs/poll.h"
#include "libos/sync/mutex.h"

#include <linux/eventpoll.h>

enum { EPOLL_MAX_NESTING = 5, EPOLL_POLL_BITS = 0x3fff }; // events above are flags of epoll

struct epoll {
    struct mutex lock;
    struct rb_tree watches; // by file and descriptor; guarded by lock
    struct spinlock ready_lock;
    struct list_head ready; // struct epoll_watch.ready; guarded by ready_lock
    struct wait_queue waiters;
};

struct epoll_watch {
    struct rb_node node;
    struct list_head ready; // empty: not on the list
    struct epoll *epoll;
    struct file *file; // not owned
    int fd;
    u32 events; // EPOLL*, flags included
    u64 data;
    bool disarmed;                    // EPOLLONESHOT has fired
    bool timed;                       // becomes ready by the clock: asked at each wait, too
    bool host;                        // its readiness is known by asking the host only
    struct epoll_watch *next, **link; // of file->watches
    struct poll_table table;
};

__nodiscard int epoll_create_file(struct file **ret_file);
struct epoll *epoll_of(struct file *file); // NULL: not an epoll file
__nodiscard int epoll_control(struct epoll *epoll, int operation, struct file *file, int fd,
                              const struct epoll_event *event);
// Takes up to room events that hold now: their count.
int epoll_collect(struct epoll *epoll, struct epoll_event *events, int room);
// Adds the host descriptors behind the watches to a wait. epoll->lock held.
void epoll_register_host(struct epoll *epoll, struct poll_table *table);
