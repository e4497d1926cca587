// SPDX-License-Identifier: BSD-3-Clause
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "image/parts.h"
#include "imagefmt/verity.h"

static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) && __builtin_cpu_supports("sse4.1");
}

// Hashes the blocks of one level (or the data) into the level above.
static void hash_level(const struct verity *v, const u8 *from, u64 count, u8 *to)
{
    for (u64 i = 0; i < count; i++)
        verity_hash(v, from + i * VERITY_BLOCK, to + i * VERITY_HASH);
}

static int write_all(int fd, const u8 *data, u64 size, u64 offset)
{
    while (size) {
        ssize_t n = pwrite(fd, data, size, (off_t)offset);
        if (n < 0 && errno != EINTR)
            return -errno;
        n = n < 0 ? 0 : n;
        data += n, size -= (u64)n, offset += (u64)n;
    }
    return 0;
}

int image_append_verity(int fd, struct occlum_image *image)
{
    static const u8 no_root[VERITY_HASH];
    struct verity v;

    sha256_select(cpu_has_sha());
    sha256("occlum image salt 1", 19, image->salt);
    image->salt_size = sizeof(image->salt);
    image->hash_start_block = image->data_blocks;
    int err = verity_init(&v, image->data_blocks, image->hash_start_block, no_root, image->salt, image->salt_size);
    if (err)
        return err;
    u8 *tree = calloc(v.hash_blocks, VERITY_BLOCK);
    u8 *data = mmap(NULL, image->data_blocks * VERITY_BLOCK, PROT_READ, MAP_SHARED, fd, 0);
    if (!tree || data == MAP_FAILED) {
        err = -ENOMEM;
    } else {
        const u8 *below = data;
        u64 count = image->data_blocks;
        for (u32 level = 0; level < v.levels; level++) {
            u8 *to = tree + (v.level_start[level] - image->hash_start_block) * VERITY_BLOCK;
            hash_level(&v, below, count, to);
            below = to;
            count = v.level_blocks[level];
        }
        verity_hash(&v, below, image->root_hash);
        err = write_all(fd, tree, v.hash_blocks * VERITY_BLOCK, image->hash_start_block * VERITY_BLOCK);
    }
    if (data != MAP_FAILED)
        munmap(data, image->data_blocks * VERITY_BLOCK);
    free(tree);
    return err;
}
