// SPDX-License-Identifier: BSD-3-Clause
// The freshness anchor of a volume: a small file, best kept where whoever can replace the volume cannot replace it too,
// that names the newest commit. It has two slots of a block each, written by turns: whatever interrupts a write, the
// other one names the commit before.
//
// The anchor is written after a commit is durable and before the commit returns. So an honest volume is at the commit
// that the anchor names, or, when a crash came between the two, at the one right after it, which says what it came
// after. Everything else is an older state, or a history that went on from a copy.
#pragma once

#include "volume/volume.h"

enum { VOLUME_ANCHOR_SLOTS = 2 };

#define VOLUME_ANCHOR_MAGIC "OCCLANC1"

struct volume_anchor {
    u8 magic[8];
    u64 generation;
    u8 uuid[16];
    u8 root_tag[16];
    u8 mac[32]; // of what stands before it
    u8 zero[VOLUME_BLOCK - 80];
};
static_assert(sizeof(struct volume_anchor) == VOLUME_BLOCK);

// The key that anchors are authenticated with, of the volume's key.
void volume_anchor_key(const u8 key[32], u8 ret_anchor_key[32]);
// What the slot generation % VOLUME_ANCHOR_SLOTS holds for a commit.
void volume_anchor_seal(const u8 anchor_key[32], const u8 uuid[16], u64 generation, const u8 root_tag[16],
                        struct volume_anchor *ret_anchor);
// Is the volume at the newest commit that the slots know of? 0; -ENODATA: no slot verifies; -ESTALE: it is not.
__nodiscard int volume_anchor_judge(const u8 anchor_key[32], const struct volume_anchor slots[VOLUME_ANCHOR_SLOTS],
                                    const struct volume_info *info);
