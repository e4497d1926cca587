// SPDX-License-Identifier: BSD-3-Clause
// Private to mq*.c.
#pragma once

#include "libos/fs/file.h"
#include "libos/ipc/mq.h"

enum {
    MQ_PRIORITIES = 32768,
    MQ_NAME_BYTES = 256,
    MQ_DEFAULT_MESSAGES = 10,
    MQ_DEFAULT_BYTES = 8192,
    MQ_HARD_MESSAGES = 65536,
    MQ_HARD_BYTES = 16 << 20,
    MQ_QUEUES = 256,
};

struct mq_message {
    struct list_head link;
    u32 priority;
    size_t size;
    u8 text[];
};

struct mq {
    struct list_head link; // of all queues with a name
    u32 refs;              // its name, open files
    char name[MQ_NAME_BYTES];
    u32 uid, gid, mode;
    u64 ino;
    s64 atime, mtime, ctime;
    long max_messages, max_bytes;
    struct list_head messages; // highest priority first, then first come first served
    u64 count, bytes;
    u32 receivers; // that wait
    struct wait_queue readable, writable;
    // mq_notify; notify_pid 0: nobody
    u32 notify_pid;
    struct sigevent notify;
};

// All queues, and everything of each. The program's memory is not touched with it held.
extern struct mutex mq_lock;

// The queue of a descriptor's file, or NULL: it is none.
struct mq *mq_of(const struct file *file);
// An open file of the queue, whose reference it takes.
__nodiscard int mq_file(struct mq *mq, u32 flags, struct file **ret_file);
void mq_put(struct mq *mq);
