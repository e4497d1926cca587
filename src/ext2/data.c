// SPDX-License-Identifier: BSD-3-Clause
// Contents of files.
#include "ext2/ext2_impl.h"

enum { RUN = 32 }; // blocks moved at once

u64 ext2_size(const struct ext2_file *file)
{
    return file->raw.size | (S_ISREG(file->raw.mode) || S_ISDIR(file->raw.mode) ? (u64)file->raw.size_high << 32 : 0);
}

static void set_size(struct ext2_file *file, u64 size)
{
    file->raw.size = (u32)size;
    file->raw.size_high = (u32)(size >> 32);
}

// Part of one block.
static int read_part(struct ext2 *fs, u32 at, size_t start, void *buf, size_t n)
{
    struct ext2_block block;

    if (!at) {
        memset(buf, 0, n);
        return 0;
    }
    int err = ext2_map_block(fs, at, false, &block);
    if (err)
        return err;
    memcpy(buf, block.bytes + start, n);
    ext2_unmap_block(&block);
    return 0;
}

// How many blocks of the file from `index` on lie one behind the other on the disk from `at`; at most `most`.
static int run_length(struct ext2 *fs, struct ext2_file *file, u64 index, u32 at, u64 most, bool create, u64 *ret_run)
{
    u64 run = 1;
    bool new;

    for (; run < most; run++) {
        u32 next;
        int err = ext2_bmap(fs, file, index + run, create, &next, &new);
        if (err == -ENOSPC)
            break; // the next round tells
        if (err)
            return err;
        if (next != (at ? at + run : 0))
            break;
    }
    *ret_run = run;
    return 0;
}

// Whole blocks. The number of bytes, or -errno.
static long read_run(struct ext2 *fs, struct ext2_file *file, u64 index, u32 at, void *buf, u64 blocks)
{
    u64 run;
    int err = run_length(fs, file, index, at, MIN(blocks, (u64)RUN), false, &run);

    if (!err && at)
        err = volume_read(fs->volume, at, buf, run);
    else if (!err)
        memset(buf, 0, run * EXT2_BLOCK);
    return err ? err : (long)(run * EXT2_BLOCK);
}

long ext2_read(struct ext2 *fs, struct ext2_file *file, u64 offset, void *buf, size_t size)
{
    u64 end = ext2_size(file);
    size_t done = 0;
    long n = 0;
    bool new;

    if (offset >= end)
        return 0;
    size = MIN(size, end - offset);
    while (done < size) {
        u64 index = (offset + done) / EXT2_BLOCK;
        size_t start = (offset + done) % EXT2_BLOCK, left = size - done;
        u32 at;
        n = ext2_bmap(fs, file, index, false, &at, &new);
        if (!n && (start || left < EXT2_BLOCK)) {
            size_t part = MIN(left, EXT2_BLOCK - start);
            n = read_part(fs, at, start, (u8 *)buf + done, part);
            n = n ? n : (long)part;
        } else if (!n) {
            n = read_run(fs, file, index, at, (u8 *)buf + done, left / EXT2_BLOCK);
        }
        if (n < 0)
            break;
        done += (size_t)n;
    }
    return done ? (long)done : n;
}

static int write_part(struct ext2 *fs, u32 at, bool new, size_t start, const void *buf, size_t n)
{
    struct ext2_block block;
    int err = ext2_map_block(fs, at, true, &block);

    if (err)
        return err;
    if (new)
        memset(block.data, 0, EXT2_BLOCK);
    memcpy(block.bytes + start, buf, n);
    ext2_unmap_block(&block);
    return 0;
}

// One part of a block, or a run of whole ones: bytes, or -errno. What was newly allocated and not written is freed by
// the caller's truncation, or reads as zeros: a fresh block of the volume holds nothing.
static long write_some(struct ext2 *fs, struct ext2_file *file, u64 offset, const void *buf, size_t left)
{
    u64 index = offset / EXT2_BLOCK, run;
    size_t start = offset % EXT2_BLOCK;
    bool new;
    u32 at;
    int err = ext2_bmap(fs, file, index, true, &at, &new);

    if (err)
        return err;
    if (start || left < EXT2_BLOCK) {
        size_t part = MIN(left, EXT2_BLOCK - start);
        err = write_part(fs, at, new, start, buf, part);
        return err ? err : (long)part;
    }
    err = run_length(fs, file, index, at, MIN(left / EXT2_BLOCK, (u64)RUN), true, &run);
    if (!err)
        err = volume_write(fs->volume, at, buf, run);
    return err ? err : (long)(run * EXT2_BLOCK);
}

long ext2_write(struct ext2 *fs, struct ext2_file *file, u64 offset, const void *buf, size_t size)
{
    size_t done = 0;
    long n = 0;

    if (size > UINT64_MAX - offset || DIV_ROUND_UP(offset + size, (u64)EXT2_BLOCK) > ext2_max_blocks())
        return -EFBIG;
    while (done < size) {
        n = write_some(fs, file, offset + done, (const u8 *)buf + done, size - done);
        if (n < 0)
            break;
        done += (size_t)n;
    }
    if (offset + done > ext2_size(file) && done)
        set_size(file, offset + done);
    int err = 0;
    if (n < 0) // blocks taken for what could not be written
        err = ext2_free_range(fs, file, DIV_ROUND_UP(ext2_size(file), (u64)EXT2_BLOCK), UINT64_MAX);
    if (!err)
        err = ext2_store(fs, file);
    if (err)
        return err;
    return done ? (long)done : n;
}

// Zeros within one block, if it is there.
static int zero_part(struct ext2 *fs, struct ext2_file *file, u64 offset, size_t n)
{
    struct ext2_block block;
    bool new;
    u32 at;
    int err = ext2_bmap(fs, file, offset / EXT2_BLOCK, false, &at, &new);

    if (err || !at || !n)
        return err;
    err = ext2_map_block(fs, at, true, &block);
    if (err)
        return err;
    memset(block.bytes + offset % EXT2_BLOCK, 0, n);
    ext2_unmap_block(&block);
    return 0;
}

int ext2_truncate(struct ext2 *fs, struct ext2_file *file, u64 size)
{
    u64 old = ext2_size(file);
    int err = 0;

    if (DIV_ROUND_UP(size, (u64)EXT2_BLOCK) > ext2_max_blocks())
        return -EFBIG;
    if (size < old) {
        if (size % EXT2_BLOCK)
            err = zero_part(fs, file, size, EXT2_BLOCK - size % EXT2_BLOCK);
        if (!err)
            err = ext2_free_range(fs, file, DIV_ROUND_UP(size, (u64)EXT2_BLOCK), UINT64_MAX);
    }
    if (err)
        return err;
    set_size(file, size);
    return ext2_store(fs, file);
}

int ext2_punch(struct ext2 *fs, struct ext2_file *file, u64 offset, u64 len)
{
    u64 end = MIN(len, UINT64_MAX - offset) + offset;
    u64 first = DIV_ROUND_UP(offset, (u64)EXT2_BLOCK), last = end / EXT2_BLOCK;
    int err = 0;

    if (offset % EXT2_BLOCK)
        err = zero_part(fs, file, offset, MIN(EXT2_BLOCK - offset % EXT2_BLOCK, end - offset));
    if (!err && end % EXT2_BLOCK && last >= first)
        err = zero_part(fs, file, end - end % EXT2_BLOCK, end % EXT2_BLOCK);
    if (!err && last > first)
        err = ext2_free_range(fs, file, first, last);
    return err ? err : ext2_store(fs, file);
}

int ext2_reserve(struct ext2 *fs, struct ext2_file *file, u64 offset, u64 len)
{
    struct ext2_block block;
    int err = 0;
    bool new;
    u32 at;

    for (u64 index = offset / EXT2_BLOCK; !err && index * EXT2_BLOCK < offset + len; index++) {
        err = ext2_bmap(fs, file, index, true, &at, &new);
        if (!err && new)
            err = ext2_map_block(fs, at, true, &block);
        if (!err && new) {
            memset(block.data, 0, EXT2_BLOCK);
            ext2_unmap_block(&block);
        }
    }
    int stored = ext2_store(fs, file);
    return err ? err : stored;
}

int ext2_seek(struct ext2 *fs, struct ext2_file *file, u64 offset, bool hole, u64 *ret_offset)
{
    u64 size = ext2_size(file);
    bool new;
    u32 at;

    for (; offset < size; offset = ALIGN_DOWN(offset, (u64)EXT2_BLOCK) + EXT2_BLOCK) {
        int err = ext2_bmap(fs, file, offset / EXT2_BLOCK, false, &at, &new);
        if (err)
            return err;
        if ((at == 0) == hole)
            break;
    }
    *ret_offset = MIN(offset, size);
    return 0;
}
