// SPDX-License-Identifier: BSD-3-Clause
// The plain disk of a volume as a file, and what e2fsprogs say of it.
#pragma once

#include "volume/volume.h"

// Writes all blocks to a sparse file. 0 or -1.
int image_write(struct volume *volume, const char *path);
// e2fsck -fn: 0 when it is clean. Prints what it says otherwise.
int image_check(const char *path);
// The file's contents as debugfs reads them; the size, or -1.
long image_cat(const char *image, const char *name, void *buf, unsigned long size);
