// SPDX-License-Identifier: BSD-3-Clause
// Volumes as `occlum volume` sees them: a file "volume" in a folder of the host.
#pragma once

#include "volume/volume.h"

#define VOLUME_NAME "volume"
#define SIMULATION_KEY "simulation.key"

extern const struct volume_env volume_host_env;

// Where the key of a volume comes from: a file of 32 bytes, an image key, or the folder's simulation.key.
struct key_source {
    const char *key, *image_key;
};

// 0, or STATUS_ERROR after a message.
int volume_find_key(const char *folder, const struct key_source *source, u8 key[32]);

// An open volume, locked: shared to look at it, else for this program alone.
struct volume_file {
    int fd;
    struct volume *volume;
};

// 0, or STATUS_ERROR after a message with what helps.
int volume_file_open(const char *folder, const struct key_source *source, bool writable, struct volume_file *ret_file);
// A new one of `blocks` blocks in a folder that has none. 0 or -errno.
__nodiscard int volume_file_make(const char *folder, const u8 key[32], u64 blocks, struct volume_file *ret_file);
void volume_file_close(struct volume_file *file); // drops what was not committed
// What an error of the volume means.
const char *volume_why(int err);
