// SPDX-License-Identifier: BSD-3-Clause
// Readiness of host descriptors. The loader has one epoll of its own, in which each descriptor is registered
// edge-triggered under a cookie; what it reports in batches is cached here and wakes the descriptor's wait queues. So
// poll, select, epoll and blocking calls treat a host descriptor like a pipe, and nothing asks the host for what is
// known.
//
// Of the threads that sleep in poll_set_sleep, one at a time is the leader and sleeps in the host's wait; the others
// are parked and its batches wake them. There is no thread for it.
//
// The host may lie: a cookie that names no descriptor is ignored, events are hints.
#pragma once

#include "libos/fs/ahead.h"
#include "libos/fs/poll.h"

struct hostpoll {
    int fd; // the host's
    u32 index, generation;
    u32 state;                              // atomic, POLL*: what held when the host told last
    u32 changes;                            // atomic: batches that named it
    bool open;                              // it has its place; this and the next: guarded by hostpoll's lock
    bool armed;                             // the host will tell of the next change
    bool stale;                             // the next look asks the host
    bool steady;                            // a regular file: always ready
    struct ahead *ahead;                    // the owner's: what is read ahead; NULL: nothing is
    struct wait_queue *readable, *writable; // the owner's
};

// Gives a host descriptor its place; its queues are the owner's, who keeps them until hostpoll_close. The host is not
// asked yet. -ENOMEM.
__nodiscard int hostpoll_open(struct hostpoll *poll, int fd, struct wait_queue *readable, struct wait_queue *writable);
// Before the host descriptor is closed (which takes it out of the host's epoll) and the memory freed, or when the
// host's reports mean nothing any more. A second time does nothing. No spinlock held.
void hostpoll_close(struct hostpoll *poll);
u64 hostpoll_cookie(const struct hostpoll *poll); // what the host is to report it under
// The host registered it (as part of another call) and said what holds: POLL* bits.
void hostpoll_armed(struct hostpoll *poll, u32 events);

// What holds, as far as the host has told; registers with table. The first question arms it, which asks the host.
u32 hostpoll_events(struct hostpoll *poll, struct poll_table *table);
// Asks the host, which arms the descriptor anew.
u32 hostpoll_ask(struct hostpoll *poll);
// Around an operation on the descriptor: begin before the host call; if that answered -EAGAIN (or took all there was),
// clear says that the bits do not hold any more, unless the host reported a change in between.
u32 hostpoll_begin(struct hostpoll *poll);
void hostpoll_clear(struct hostpoll *poll, u32 begun, u32 bits);
// The same where they may hold still (a part was read, and the host will not tell again): the next look asks.
void hostpoll_forget(struct hostpoll *poll, u32 begun, u32 bits);
// Waits until one of the events (or POLLERR, POLLHUP) holds: 0, -EINTR, -ETIMEDOUT.
__nodiscard int hostpoll_wait(struct hostpoll *poll, u32 events, s64 deadline_ns);

// For poll.c and epoll. Sleeps as thread_park does, and meanwhile hears what the host reports. Whoever slept calls
// hostpoll_leave when it does not come back to sleep: somebody else takes the lead then.
void hostpoll_sleep(s64 deadline_ns);
void hostpoll_leave(void);
// Takes what the host has to report now, without waiting. Nothing is asked while no descriptor is armed.
void hostpoll_refresh(void);
