// SPDX-License-Identifier: BSD-3-Clause
// Native asynchronous I/O (io_setup(2)): contexts and the events that wait in them.
#pragma once

#include <linux/aio_abi.h>

#include "libos/sync/wait.h"

struct process;

struct aio_context {
    struct list_head link; // process.aio
    u64 id;                // address of the page that stands for the ring
    u32 refs;              // of the list and of who uses it; with all below guarded by process_lock
    u32 max, count, first; // events: room for, that wait (or are to come), the oldest
    u32 coming;            // of count: requests that are being served
    bool destroyed;
    struct wait_queue changed;
    struct io_event events[];
};

// One of the current process, with a reference. NULL: there is none.
struct aio_context *aio_get(u64 id);
void aio_put(struct aio_context *context);
// Room for one event more. False: the context is full.
__nodiscard bool aio_reserve(struct aio_context *context);
// The request that reserved room is done (event) or was not taken (NULL).
void aio_complete(struct aio_context *context, const struct io_event *event);
// Takes the oldest event. 1, 0: none, -EINVAL: destroyed.
__nodiscard int aio_take(struct aio_context *context, struct io_event *ret_event);
