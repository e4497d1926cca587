// SPDX-License-Identifier: BSD-3-Clause
// The volume file. 4096-byte blocks ("places"). Places 0..3 hold superblocks, that of generation g at g mod 4; every
// other place holds one sealed block of data or of the tree. Nothing is overwritten in place: a block is written to a
// free place and its parent's entry names it. Little-endian.
//
// Level 0 blocks are the data, block i being logical block i; level n > 0 blocks hold VOLUME_FANOUT entries that point
// to blocks of level n - 1. The superblock holds the entry of the one block of the topmost level, and the generation.
//
// A small commit writes its blocks and its superblock and syncs once. So after a crash the superblock may be there and
// some of its blocks not: who opens reads the blocks that are new in the newest commit (they have the superblock's salt
// and a counter from commit_counter on), and takes the commit before when one of them is not whole. That one is
// durable: its sync returned before anything of the newest was written over what it needs. A large commit syncs its
// blocks first and leaves nothing to be read.
//
// Keys: each session (opening for writing) draws a salt; its key is HMAC-SHA-256(master, label, uuid, salt). The IV is
// a counter of the session. So an IV never repeats under a key, whatever older state the host lets a session begin
// from.
#pragma once

#include "base/types.h"

enum {
    VOLUME_BLOCK = 4096,
    VOLUME_SUPERBLOCKS = 4,
    VOLUME_FANOUT = 85,
    VOLUME_MAX_HEIGHT = 6, // 85^6 blocks: 1,400 TiB
    VOLUME_VERSION = 2,    // 1: without commit_counter; all blocks of a superblock were durable before it was written
};

enum { VOLUME_ANCHORED = 1 }; // a freshness anchor names its commits (anchor.h)

#define VOLUME_MAGIC "OCCLVOL1"

// Where a block is and what it must be.
struct volume_entry {
    u64 place;   // 0: never written, reads as zeros; all other fields are then 0 too
    u64 counter; // IV: counter, then 4 bytes of zeros
    u8 salt[16]; // of the session that wrote it
    u8 tag[16];
};
static_assert(sizeof(struct volume_entry) == 48);

struct volume_node {
    struct volume_entry entries[VOLUME_FANOUT];
    u8 zero[16];
};
static_assert(sizeof(struct volume_node) == VOLUME_BLOCK);

// Authenticated with every block: one of another position or volume does not open.
struct volume_aad {
    u8 uuid[16];
    u64 level, index;
};

struct volume_super_header { // in the clear, authenticated (with tag zero)
    u8 magic[8];
    u32 version, block_size;
    u8 uuid[16];
    u8 salt[16];
    u64 counter;
    u8 tag[16];
    u8 zero[56];
};
static_assert(sizeof(struct volume_super_header) == 128);

struct volume_super_body { // sealed
    u64 generation;        // 1: just made
    u64 blocks;            // logical size
    u64 max_blocks;        // it may grow to this
    u32 height;            // level of the root block, at least 1
    u32 flags;             // VOLUME_ANCHORED
    struct volume_entry root;
    u8 binding[32];      // what the volume belongs to; the opener compares it
    u64 commit_counter;  // blocks of this session with an IV from here on were perhaps not durable before this was
                         // written
    u8 previous_tag[16]; // of the root that the commit before had
    u8 zero[3968 - 136];
};
static_assert(sizeof(struct volume_super_header) + sizeof(struct volume_super_body) == VOLUME_BLOCK);

struct volume_super {
    struct volume_super_header header;
    struct volume_super_body body;
};
