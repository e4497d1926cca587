// SPDX-License-Identifier: BSD-3-Clause
// Telling of what happens to files, inotify(7). Calls that change or read files tell here; instances (sys/inotify.c)
// watch inodes. While nobody watches anything a call costs one look at a counter.
#pragma once

#include "libos/fs/file.h"

#include <linux/inotify.h>

extern u32 notify_watches; // atomic: how many there are

static inline bool notify_active(void) { return __atomic_load_n(&notify_watches, __ATOMIC_RELAXED) != 0; }

// --- what happened. No spinlock held; nothing but locks before LOCK_NOTIFY. The events are IN_*; IN_ISDIR is added.
// To the inode itself; name: the inode is a folder in which it happened to that name.
void notify_event(struct inode *inode, u32 events, u32 cookie, const char *name);
// To an inode known by its name in a folder: the folder is told first.
void notify_child(struct inode *dir, const char *name, struct inode *inode, u32 events);
void notify_file(struct file *file, u32 events); // an open file: by the name it was opened with
// A name was taken from the inode. Its last one: the inode's watches end as soon as nobody has it open.
void notify_unlinked(struct inode *inode);
void notify_renamed(const struct lookup *from, const struct lookup *to);
// A file is closed for good: its inode may have lost its last name before.
void notify_closed(struct file *file);
// What a change of attributes is called, IN_*.
u32 notify_change_events(const struct attr_change *change);

// --- watching
struct notify_instance;

__nodiscard int notify_create(struct notify_instance **ret_instance);
void notify_destroy(struct notify_instance *instance);
// Watches an inode (IN_* with IN_MASK_ADD and the like): the number of the watch; -EEXIST, -ENOMEM, -ENOSPC.
__nodiscard long notify_watch(struct notify_instance *instance, struct inode *inode, u32 mask);
__nodiscard long notify_unwatch(struct notify_instance *instance, s32 number); // -EINVAL
// Takes the next event, if it fits into size bytes: its bytes with the padded name; 0: none is there; -EINVAL: too
// small. To be freed with kfree: *ret_event.
__nodiscard long notify_next(struct notify_instance *instance, size_t size, struct inotify_event **ret_event);
u64 notify_pending(struct notify_instance *instance); // bytes that reading gives
extern struct wait_queue notify_readable;             // where who reads any instance waits
