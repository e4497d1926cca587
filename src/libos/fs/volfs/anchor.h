// SPDX-License-Identifier: BSD-3-Clause
// The freshness anchor (volume/anchor.h) of a volume that the enclave has open: a file of the host.
#pragma once

#include "volume/anchor.h"

struct volfs_anchor {
    int fd; // -1: there is none
    u8 key[32];
    u8 uuid[16];
};

// Opens the file of `path`, and makes it when there is none; key: the volume's. volume_there: if it
// is not, an anchor that is means that somebody took it away (-ESTALE). Errors of the host.
__nodiscard int volfs_anchor_open(const char *path, const u8 key[32], bool volume_there,
                                  struct volfs_anchor *ret_anchor);
void volfs_anchor_close(struct volfs_anchor *anchor);
// The volume was opened: is it at the commit that the anchor names? A volume that never had an anchor gets one.
// -ESTALE: it is older, went on elsewhere, or had an anchor that is gone.
__nodiscard int volfs_anchor_check(struct volfs_anchor *anchor, const struct volume_info *info);
// A commit is durable: the anchor names it when this returns. 0 or the host's error.
__nodiscard int volfs_anchor_keep(struct volfs_anchor *anchor, u64 generation, const u8 root_tag[16]);
