// SPDX-License-Identifier: BSD-3-Clause
// From blocks of a file to blocks of the disk: 12 direct pointers, then one, two and three levels of indirect blocks.
#include "ext2/ext2_impl.h"

// The way to a block: depth steps below the inode's own pointer.
struct route {
    u32 depth;
    u32 step[4]; // step[0] indexes raw.block
    u64 span;    // blocks under one pointer of raw.block
};

static const u64 spans[] = { 1, EXT2_POINTERS, (u64)EXT2_POINTERS *EXT2_POINTERS,
                             (u64)EXT2_POINTERS *EXT2_POINTERS *EXT2_POINTERS };

u64 ext2_max_blocks(void) { return MIN(EXT2_DIRECT + spans[1] + spans[2] + spans[3], (u64)UINT32_MAX / EXT2_SECTORS); }

static void find_route(u64 index, struct route *route)
{
    if (index < EXT2_DIRECT) {
        *route = (struct route){ .step = { (u32)index }, .span = 1 };
        return;
    }
    index -= EXT2_DIRECT;
    u32 depth = 1;
    while (index >= spans[depth])
        index -= spans[depth++];
    *route = (struct route){ .depth = depth, .step = { EXT2_DIRECT + depth - 1 }, .span = spans[depth] };
    for (u32 i = 1; i <= depth; i++)
        route->step[i] = (u32)(index / spans[depth - i] % EXT2_POINTERS);
}

static int new_block(struct ext2 *fs, struct ext2_file *file, bool indirect, u32 *ret_block)
{
    struct ext2_block zeroed;
    int err = ext2_alloc_block(fs, file->goal, ret_block);

    if (err)
        return err;
    if (indirect) {
        err = ext2_map_block(fs, *ret_block, true, &zeroed);
        if (err)
            return ext2_free_block(fs, *ret_block) ? -EUCLEAN : err;
        memset(zeroed.data, 0, EXT2_BLOCK);
        ext2_unmap_block(&zeroed);
    }
    file->goal = *ret_block + 1;
    file->raw.blocks += EXT2_SECTORS;
    return 0;
}

// Follows or makes what *pointer leads to. 0 with *pointer 0: a hole.
static int follow(struct ext2 *fs, struct ext2_file *file, bool create, bool indirect, u32 *pointer, bool *ret_new)
{
    *ret_new = false;
    if (*pointer)
        return *pointer < fs->super.blocks_count ? 0 : -EUCLEAN;
    if (!create)
        return 0;
    *ret_new = true;
    return new_block(fs, file, indirect, pointer);
}

int ext2_bmap(struct ext2 *fs, struct ext2_file *file, u64 index, bool create, u32 *ret_block, bool *ret_new)
{
    struct route route;
    bool made;

    if (index >= ext2_max_blocks())
        return -EFBIG;
    find_route(index, &route);
    *ret_new = false;
    int err = follow(fs, file, create, route.depth > 0, &file->raw.block[route.step[0]], ret_new);
    u32 at = file->raw.block[route.step[0]];
    for (u32 i = 1; i <= route.depth && !err && at; i++) {
        struct ext2_block node;
        err = ext2_map_block(fs, at, create, &node);
        if (err)
            break;
        err = follow(fs, file, create, i < route.depth, &node.pointers[route.step[i]], &made);
        at = node.pointers[route.step[i]];
        *ret_new = made;
        ext2_unmap_block(&node);
    }
    *ret_block = err ? 0 : at;
    return err;
}

static int release(struct ext2 *fs, struct ext2_file *file, u32 *pointer)
{
    int err = ext2_free_block(fs, *pointer);
    if (err)
        return err;
    *pointer = 0;
    file->raw.blocks -= EXT2_SECTORS;
    return 0;
}

static int free_below(struct ext2 *fs, struct ext2_file *file, u32 *pointer, u32 depth, u64 start, u64 first, u64 end);

// The pointers of an indirect block. *ret_empty: nothing is left in it.
static int free_pointers(struct ext2 *fs, struct ext2_file *file, u32 block, u32 depth, u64 start, u64 first, u64 end,
                         bool *ret_empty)
{
    struct ext2_block node;
    int err = ext2_map_block(fs, block, true, &node);

    if (err)
        return err;
    *ret_empty = true;
    for (u32 i = 0; i < EXT2_POINTERS && !err; i++) {
        if (node.pointers[i])
            err = free_below(fs, file, &node.pointers[i], depth - 1, start + i * spans[depth - 1], first, end);
        *ret_empty = *ret_empty && !node.pointers[i];
    }
    ext2_unmap_block(&node);
    return err;
}

// Frees what lies in [first, end) under a pointer that spans from block `start` of the file.
static int free_below(struct ext2 *fs, struct ext2_file *file, u32 *pointer, u32 depth, u64 start, u64 first, u64 end)
{
    bool empty = true;

    if (!*pointer || start >= end || start + spans[depth] <= first)
        return 0;
    if (*pointer >= fs->super.blocks_count)
        return -EUCLEAN;
    int err = depth ? free_pointers(fs, file, *pointer, depth, start, first, end, &empty) : 0;
    return err || !empty ? err : release(fs, file, pointer);
}

int ext2_free_range(struct ext2 *fs, struct ext2_file *file, u64 first, u64 end)
{
    u64 start = 0;
    int err = 0;

    for (u32 i = 0; i < ARRAY_SIZE(file->raw.block) && !err; i++) {
        u32 depth = i < EXT2_DIRECT ? 0 : i - EXT2_DIRECT + 1;
        err = free_below(fs, file, &file->raw.block[i], depth, start, first, end);
        start += spans[depth];
    }
    return err;
}
