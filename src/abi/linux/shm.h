// SPDX-License-Identifier: BSD-3-Clause
// System V shared memory. Linux's own header includes libc's <unistd.h>, so its constants stand here.
#pragma once

#include "base/types.h"

#include <asm/ipcbuf.h>
#include <asm/shmbuf.h>
#include <linux/ipc.h>

enum {
    SHM_HUGETLB = 04000,
    SHM_RDONLY = 010000,
    SHM_RND = 020000,
    SHM_REMAP = 040000,
    SHM_EXEC = 0100000,
    SHM_DEST = 01000, // in the mode: removed, and still mapped
    SHM_LOCKED = 02000,
    SHM_LOCK = 11,
    SHM_UNLOCK = 12,
    SHM_STAT = 13,
    SHM_INFO = 14,
    SHM_STAT_ANY = 15
};

struct shm_info {
    int used_ids;
    u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};
