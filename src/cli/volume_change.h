// SPDX-License-Identifier: BSD-3-Clause
// occlum volume import, resize, rekey. Each ends with the old volume or the new one, whatever interrupts it.
#pragma once

#include "cli/volume_file.h"

// Return an exit status, after a message when it is not STATUS_OK.

// An ext2 image becomes the volume of the folder. force: one that is there is replaced.
int volume_import(const char *folder, const struct key_source *source, const char *image, bool force);
// Grows the volume and the file system in it to a size as Occlum.json writes sizes.
int volume_grow(const char *folder, const struct key_source *source, const char *size);
// The same contents under another key: an image key's, or (NULL) a new one in the folder's simulation.key.
int volume_rekey(const char *folder, const struct key_source *source, const char *new_image_key);
// Makes the file at path the freshness anchor of the state the volume is in. Exit status, after a message.
int volume_write_anchor(const char *folder, const struct key_source *source, const char *path);
