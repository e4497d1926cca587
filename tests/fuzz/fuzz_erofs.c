// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: the input is an EROFS image (its first KiB left out); opens it and reads what can be reached,
// bounded.
#include <string.h>

#include "imagefmt/erofs.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { PREFIX = 1024, VISITS = 200, DEPTH = 4 };

struct input {
    const u8 *data;
    u64 size; // with the prefix
};

struct walk {
    struct erofs *fs;
    u32 depth;
    u32 *visits;
};

static int read_input(void *ctx, u64 offset, void *buf, size_t n)
{
    const struct input *input = ctx;

    if (offset > input->size || n > input->size - offset)
        __builtin_trap(); // the reader promises offsets below size
    for (size_t i = 0; i < n; i++)
        ((u8 *)buf)[i] = offset + i < PREFIX ? 0 : input->data[offset + i - PREFIX];
    return 0;
}

static int visit(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    struct walk *walk = arg;
    struct walk below = { walk->fs, walk->depth + 1, walk->visits };
    struct erofs_inode inode;
    u8 buf[5000], block[4096];
    u64 position, piece;

    if (!len || len > 255 || memchr(name, '/', len) || ++*walk->visits > VISITS)
        return 1;
    if (erofs_inode(walk->fs, nid, &inode) != 0)
        return 0;
    for (u64 offset = 0; offset < inode.size; offset += sizeof(buf) + 1) {
        long n = erofs_read(walk->fs, &inode, offset, buf, sizeof(buf));
        if (n > (long)sizeof(buf))
            __builtin_trap();
        if (erofs_map(walk->fs, &inode, offset, &position, &piece) == 0 &&
            (position > walk->fs->size || piece > walk->fs->size - position))
            __builtin_trap();
        if (n < 0)
            break;
    }
    if (walk->depth < DEPTH && erofs_for_each(walk->fs, &inode, block, visit, &below) != 0)
        return 0;
    return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct input input = { data, size + PREFIX };
    struct erofs fs = { .ctx = &input, .read = read_input, .size = input.size };
    u32 visits = 0;
    struct walk walk = { &fs, 0, &visits };

    if (erofs_open(&fs) == 0)
        (void)visit("root", 4, fs.root, 0, &walk);
    return 0;
}
