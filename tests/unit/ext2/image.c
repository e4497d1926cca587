// SPDX-License-Identifier: BSD-3-Clause
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int image_write(struct volume *volume, const char *path)
{
    static u8 buf[64 * VOLUME_BLOCK];
    static const u8 zeros[VOLUME_BLOCK];
    struct volume_info info;
    FILE *file = fopen(path, "w+");
    int err = file ? 0 : -1;

    volume_get_info(volume, &info);
    for (u64 at = 0; !err && at < info.blocks; at += 64) {
        u64 count = MIN((u64)64, info.blocks - at);
        err = volume_read(volume, at, buf, count);
        for (u64 i = 0; !err && i < count; i++) {
            bool last = at + i + 1 == info.blocks;
            if (!last && memcmp(buf + i * VOLUME_BLOCK, zeros, VOLUME_BLOCK) == 0)
                continue;
            if (fseek(file, (long)((at + i) * VOLUME_BLOCK), SEEK_SET) != 0 ||
                fwrite(buf + i * VOLUME_BLOCK, VOLUME_BLOCK, 1, file) != 1)
                err = -1;
        }
    }
    if (file && fclose(file) != 0)
        err = -1;
    return err;
}

int image_check(const char *path)
{
    char command[256];

    snprintf(command, sizeof(command), "e2fsck -fn %s >%s.log 2>&1 || { sed 's/^/# /' %s.log; false; }", path, path,
             path);
    return system(command);
}

long image_cat(const char *image, const char *name, void *buf, unsigned long size)
{
    char command[512];

    snprintf(command, sizeof(command), "debugfs -R 'cat %s' %s 2>/dev/null", name, image);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return -1;
    unsigned long n = fread(buf, 1, size, pipe);
    return pclose(pipe) == 0 ? (long)n : -1;
}
