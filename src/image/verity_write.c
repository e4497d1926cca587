// SPDX-License-Identifier: BSD-3-Clause
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "image/parts.h"
#include "imagefmt/verity.h"

static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) && __builtin_cpu_supports("sse4.1");
}

int read_whole_range(int fd, void *buffer, size_t size, u64 offset)
{
    u8 *at = buffer;
    while (size) {
        ssize_t n = pread(fd, at, size, (off_t)offset);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO;
        n = n < 0 ? 0 : n;
        at += n, size -= (u64)n, offset += (u64)n;
    }
    return 0;
}

// Hashes the blocks of one level (or the data) into the level above.
static void hash_level(const struct verity *v, const u8 *from, u64 count, u8 *to)
{
    for (u64 i = 0; i < count; i++)
        verity_hash(v, from + i * VERITY_BLOCK, to + i * VERITY_HASH);
}

// The same of the data itself, read in pieces.
static int hash_data(const struct verity *v, int fd, u64 count, u8 *to)
{
    enum { PIECE_BLOCKS = 256 };
    u8 *piece = malloc(PIECE_BLOCKS * VERITY_BLOCK);
    int err = piece ? 0 : -ENOMEM;

    for (u64 done = 0; !err && done < count; done += PIECE_BLOCKS) {
        u64 n = MIN(count - done, (u64)PIECE_BLOCKS);
        err = read_whole_range(fd, piece, n * VERITY_BLOCK, done * VERITY_BLOCK);
        if (!err)
            hash_level(v, piece, n, to + done * VERITY_HASH);
    }
    free(piece);
    return err;
}

int write_whole_range(int fd, const u8 *data, u64 size, u64 offset)
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
    if (!tree)
        return -ENOMEM;
    const u8 *below = NULL;
    u64 count = image->data_blocks;
    for (u32 level = 0; level < v.levels && !err; level++) {
        u8 *to = tree + (v.level_start[level] - image->hash_start_block) * VERITY_BLOCK;
        if (level == 0)
            err = hash_data(&v, fd, count, to);
        else
            hash_level(&v, below, count, to);
        below = to;
        count = v.level_blocks[level];
    }
    if (v.levels && !err)
        verity_hash(&v, below, image->root_hash);
    else if (!err) // a single block is its own tree
        err = hash_data(&v, fd, count, image->root_hash);
    if (!err)
        err = write_whole_range(fd, tree, v.hash_blocks * VERITY_BLOCK, image->hash_start_block * VERITY_BLOCK);
    free(tree);
    return err;
}
