// SPDX-License-Identifier: BSD-3-Clause
// Private to the epoll*.c files.
#pragma once

#include "base/rbtree.h"
#include "libos/fs/poll.h"
#include "libos/sync/mutex.h"

#include <linux/eventpoll.h>

// EPOLL_NESTING_MAX: edges in a chain of instances that watch each other, as on Linux. Events above EPOLL_POLL_BITS are
// flags.
enum { EPOLL_NESTING_MAX = 4, EPOLL_POLL_BITS = 0x3fff, EPOLL_QUEUES = 2 };

struct epoll {
    u32 refs; // atomic: its file, and each watch
    struct file *file;
    struct mutex lock;      // of the watches, and of the two below
    struct rb_tree watches; // by file and descriptor
    struct list_head timed; // epoll_watch.special: of files that change with the time alone
    struct list_head inner; // epoll_watch.special: of other instances; changed with epoll_nesting held as well
    struct spinlock ready_lock;
    struct list_head ready;     // struct epoll_watch.ready; guarded by ready_lock
    struct wait_queue waiters;  // threads in epoll_wait: an event wakes one of them
    struct wait_queue watchers; // who polls the instance, and instances that watch it
    u64 visit;                  // of the walk that knew its depth last, and that depth; guarded by epoll_nesting
    int depth;
};

struct epoll_queue {
    struct waiter waiter;
    struct wait_queue *queue;
};

// A watch is no reference of its file: the file's end takes it out. It is one of its instance.
struct epoll_watch {
    struct rb_node node;
    struct list_head ready, special; // empty: not on the list
    struct epoll *epoll;
    struct file *file;
    u64 data;
    int fd;
    u32 events; // EPOLL*, flags included; only the flags are left when EPOLLONESHOT has fired
    u32 queue_count;
    bool dying;                       // the file's end is taking it out; guarded by file->watch_lock
    struct epoll_watch *next, **link; // of file->watches; guarded by file->watch_lock
    struct epoll_queue queues[EPOLL_QUEUES];
};
static_assert(sizeof(struct epoll_watch) <= 256);

// Taken before the lock of any instance, where the links between instances change.
extern struct mutex epoll_nesting;
// Whether `epoll` may watch `inner`: -ELOOP if that closed a circle or made a chain too long. epoll_nesting held.
__nodiscard int epoll_nesting_check(struct epoll *epoll, struct epoll *inner);

__nodiscard int epoll_create_file(struct file **ret_file);
struct epoll *epoll_of(struct file *file); // NULL: not an epoll file
// Both files are held by the caller.
__nodiscard int epoll_control(struct epoll *epoll, int operation, struct file *file, int fd,
                              const struct epoll_event *event);
// Takes up to room events that hold now: their count.
int epoll_collect(struct epoll *epoll, struct epoll_event *events, int room);
// How many watches epoll_collect would look at, up to most.
int epoll_ready_count(struct epoll *epoll, int most);
// Whether epoll_collect may find something.
bool epoll_ready(struct epoll *epoll);
// Looks at what changes with the time: such watches become ready here. Returns when to look again (CLOCK_MONOTONIC ns).
s64 epoll_refresh(struct epoll *epoll);
// To be called by a thread that takes events, or gives up waiting for them: what is ready still is another one's.
void epoll_pass_on(struct epoll *epoll);
