// SPDX-License-Identifier: BSD-3-Clause
// A host file in memory that records what was written and when it was made durable, and can fail.
#pragma once

#include "volume/volume.h"

struct disk_write {
    u64 offset, size;
    u8 *data;
    u64 epoch; // syncs before it
};

struct disk {
    u8 *bytes; // as the running volume sees it
    u64 size, capacity;
    bool record; // keep every write in log
    struct disk_write *log;
    u64 writes, syncs;
    u64 limit;      // bytes at most: then reserve says ENOSPC; 0: none
    u64 fail_after; // writes until every one fails with EIO; 0: never
    bool fail_sync;
    u64 discarded;
};

extern const struct volume_env test_env;

void disk_init(struct disk *disk);
void disk_free(struct disk *disk);
struct volume_backend disk_backend(struct disk *disk);
// What may be on the disk after a crash: all writes of epochs before `epoch`, and those of `epoch` that keep(arg, i)
// chooses (i counts within the epoch). torn: of the last one chosen only so many bytes.
void disk_crash(const struct disk *from, u64 epoch, bool (*keep)(void *arg, u64 i), void *arg, u64 torn,
                struct disk *to);
u64 disk_epoch_writes(const struct disk *disk, u64 epoch);
u64 test_allocations(void); // not freed yet
