// SPDX-License-Identifier: BSD-3-Clause
// The measured configuration: what the LibOS knows of Occlum.json and of the image. config/ writes it, the signer
// puts it into measured pages, the LibOS reads it. One contiguous blob: this header, then the strings.
// All integers little-endian; an offset counts bytes from the start of the header; strings end with NUL.
#pragma once

#include "base/types.h"

#define OCCLUM_CONFIG_MAGIC 0x31464e4f434c434full // "OCLCONF1"
#define OCCLUM_CONFIG_VERSION 3

enum occlum_config_flags {
    OCCLUM_CONFIG_DEBUGGABLE = 1 << 0,
    OCCLUM_CONFIG_DISABLE_LOG = 1 << 1,
    OCCLUM_CONFIG_HOST_SIGNALS = 1 << 2, // SIGHUP, SIGUSR1 and SIGUSR2 of the host reach handlers of the program
    OCCLUM_CONFIG_SILENT = 1 << 4,       // disable_log is given: not even notices are written
    OCCLUM_CONFIG_USER_MAX = 1 << 5,     // user_space_max_size is given
    OCCLUM_CONFIG_HEAP_MAX = 1 << 6,     // kernel_space_heap_max_size is given
    OCCLUM_CONFIG_NO_LOOPBACK = 1 << 3,  // connections between sockets of the enclave go through the host, too
};

#define OCCLUM_MOUNTS_MAX 32 // all of them, /proc and /dev included

enum occlum_mount_type {
    OCCLUM_MOUNT_ROOT = 1, // the image below, a writable layer above ("unionfs" at /): a volume if source is given
    OCCLUM_MOUNT_HOSTFS = 2,
    OCCLUM_MOUNT_TMPFS = 3, // "ramfs"
    OCCLUM_MOUNT_PROCFS = 4,
    OCCLUM_MOUNT_DEVFS = 5,
    OCCLUM_MOUNT_VOLUME = 6, // "ext2": an encrypted volume of its own
};

// A table of count u32 offsets of strings, beginning at offset.
struct occlum_string_list {
    u32 offset, count;
};

struct occlum_mount {
    u32 type;   // enum occlum_mount_type
    u32 anchor; // offset of the host path of a volume's freshness anchor, or ""
    u32 target; // offset of the absolute path inside
    u32 source; // offset of the host path of a hostfs or of a volume's folder (relative to the instance, or absolute),
                // or ""
    u64 size;   // bytes of file contents a tmpfs takes at most, page aligned; 0: as much as there is user memory. Of a
                // volume
};

// The verity-protected image file: EROFS file system, call-site tables, hash tree. Blocks of 4096 bytes.
struct occlum_image {
    u64 data_blocks;      // blocks the root hash covers: EROFS + call sites
    u64 fs_blocks;        // blocks of the EROFS file system, from block 0
    u64 sites_offset;     // bytes from the start of the image to the call-site index (gate/sites.h); 0 if none
    u64 sites_size;       // bytes
    u64 hash_start_block; // first block of the hash tree in the image file
    u8 root_hash[32];     // SHA-256
    u8 salt[32];
    u32 salt_size; // bytes of salt used
    u32 present;   // 0: the instance has no image
    u32 sealed;    // 1: the data blocks are encrypted with an image key (imagefmt/seal.h)
    u32 zero;
    u8 seal_id[32];
    u8 seal_check[16];
};

struct occlum_config {
    u64 magic;
    u32 version;
    u32 size;  // of the whole blob
    u32 flags; // enum occlum_config_flags
    u32 mount_count;
    u32 mount_offset; // array of struct occlum_mount, sorted so that parents come before children
    u32 reserved;
    u64 default_stack_size, default_heap_size, default_mmap_size;
    struct occlum_string_list entry_points;
    struct occlum_string_list env_default;   // "NAME=value"
    struct occlum_string_list env_untrusted; // "NAME"
    struct occlum_image image;
};
static_assert(sizeof(struct occlum_config) == 32 + 24 + 3 * 8 + 168);
