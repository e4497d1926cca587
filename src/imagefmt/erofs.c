// SPDX-License-Identifier: BSD-3-Clause
#include "imagefmt/erofs.h"
#include "base/checked.h"
#include "base/string.h"

enum { EIO_ = 5, EINVAL_ = 22, ENOTSUP_ = 95, ENOTDIR_ = 20 };
enum {
    SUPER_OFFSET = 1024,
    SLOT = 32,
    DIRENT = 12,
    NAME_LIMIT = 255,
    IFMT = 0170000,
    IFDIR = 0040000,
    IFCHR = 0020000,
    IFBLK = 0060000
};
#define EROFS_MAGIC 0xe0f5e1e2u
// Features that change nothing for reading: a checksum of the superblock, and mtime in place of ctime (compatible
// features).
#define INCOMPAT_KNOWN 0u

static u16 get16(const u8 *p) { return (u16)(p[0] | p[1] << 8); }
static u32 get32(const u8 *p) { return get16(p) | (u32)get16(p + 2) << 16; }
static u64 get64(const u8 *p) { return get32(p) | (u64)get32(p + 4) << 32; }

static int read_at(const struct erofs *fs, u64 offset, void *buf, size_t n)
{
    return range_within(offset, n, 0, fs->size) ? fs->read(fs->ctx, offset, buf, n) : -EIO_;
}

static u64 block_size(const struct erofs *fs) { return 1ull << fs->block_bits; }

int erofs_open(struct erofs *fs)
{
    u8 sb[128];
    int err = read_at(fs, SUPER_OFFSET, sb, sizeof(sb));
    if (err)
        return err;
    if (get32(sb) != EROFS_MAGIC)
        return -EINVAL_;
    fs->block_bits = sb[12];
    if (fs->block_bits != 12 || (get32(sb + 80) & ~INCOMPAT_KNOWN))
        return -ENOTSUP_;
    fs->root = get16(sb + 14);
    fs->build_time = get64(sb + 24);
    fs->build_nsec = get32(sb + 32);
    fs->meta_start = (u64)get32(sb + 40) << fs->block_bits;
    return 0;
}

static bool is_device(u32 mode) { return (mode & IFMT) == IFCHR || (mode & IFMT) == IFBLK; }

static u64 xattr_size(u32 count) { return count ? 12 + 4 * (u64)(count - 1) : 0; }

static void decode_compact(const struct erofs *fs, const u8 *p, struct erofs_inode *inode, u32 *ret_address)
{
    inode->mode = get16(p + 4);
    inode->nlink = get16(p + 6);
    inode->size = get32(p + 8);
    *ret_address = get32(p + 16);
    inode->ino = get32(p + 20);
    inode->uid = get16(p + 24);
    inode->gid = get16(p + 26);
    inode->mtime = (s64)(fs->build_time * 1000000000ull + fs->build_nsec);
}

static void decode_extended(const u8 *p, struct erofs_inode *inode, u32 *ret_address)
{
    inode->mode = get16(p + 4);
    inode->size = get64(p + 8);
    *ret_address = get32(p + 16);
    inode->ino = get32(p + 20);
    inode->uid = get32(p + 24);
    inode->gid = get32(p + 28);
    inode->mtime = (s64)(get64(p + 32) * 1000000000ull + get32(p + 40));
    inode->nlink = get32(p + 44);
}

int erofs_inode(const struct erofs *fs, u64 nid, struct erofs_inode *ret_inode)
{
    struct erofs_inode inode = { .nid = nid };
    u64 offset;
    u32 address;
    u8 p[64];

    if (nid > fs->size / SLOT)
        return -EIO_;
    offset = fs->meta_start + nid * SLOT;
    int err = read_at(fs, offset, p, 32);
    if (err)
        return err;
    bool extended = get16(p) & 1;
    inode.layout = (get16(p) >> 1) & 7;
    if (extended && (err = read_at(fs, offset + 32, p + 32, 32)) != 0)
        return err;
    if (extended)
        decode_extended(p, &inode, &address);
    else
        decode_compact(fs, p, &inode, &address);
    if (is_device(inode.mode)) {
        inode.rdev = address; // minor bits 0-7, major 8-19, minor 8-19: as stat() gives it
        inode.size = 0;
    }
    if (inode.layout != EROFS_PLAIN && inode.layout != EROFS_INLINE)
        return -ENOTSUP_;
    if (inode.size > fs->size)
        return -EIO_;
    inode.data = (u64)address << fs->block_bits;
    inode.tail = offset + (extended ? 64 : 32) + xattr_size(get16(p + 2));
    *ret_inode = inode;
    return 0;
}

int erofs_map(const struct erofs *fs, const struct erofs_inode *inode, u64 offset, u64 *ret_position, u64 *ret_len)
{
    u64 block = block_size(fs), position, len;

    if (offset >= inode->size)
        return -EIO_;
    u64 tail_start = inode->layout == EROFS_INLINE ? (inode->size - 1) & ~(block - 1) : inode->size;
    // An inline file whose size is a whole number of blocks still has its last block behind the inode only if there is
    // a tail.
    if (inode->layout == EROFS_INLINE && inode->size % block == 0)
        tail_start = inode->size;
    if (offset >= tail_start) {
        position = inode->tail + (offset - tail_start);
        len = inode->size - offset;
        if (position / block != (position + len - 1) / block) // a tail never crosses a block
            return -EIO_;
    } else {
        position = inode->data + offset;
        len = tail_start - offset;
    }
    if (!range_within(position, len, 0, fs->size))
        return -EIO_;
    *ret_position = position;
    *ret_len = len;
    return 0;
}

long erofs_read(const struct erofs *fs, const struct erofs_inode *inode, u64 offset, void *buf, size_t n)
{
    size_t done = 0;

    while (done < n && offset + done < inode->size) {
        u64 position, len;
        int err = erofs_map(fs, inode, offset + done, &position, &len);
        if (!err) {
            len = MIN(len, (u64)(n - done));
            err = fs->read(fs->ctx, position, (u8 *)buf + done, len);
        }
        if (err)
            return err;
        done += len;
    }
    return (long)done;
}

// EROFS numbers the types from 1; readdir's numbers are the file types of st_mode. 0: unknown.
static u32 dirent_type(u8 type)
{
    static const u8 types[] = { 0, 8, 4, 2, 6, 1, 12, 10 };
    return type < sizeof(types) ? types[type] : 0;
}

// One directory block: an array of entries, then their names; the first entry's name offset says how many there are.
static int visit_block(const u8 *block, size_t size, int (*visit)(const char *, size_t, u64, u32, void *), void *arg)
{
    if (size < DIRENT)
        return -EIO_;
    size_t names = get16(block + 8), count = names / DIRENT;
    if (!count || names % DIRENT || names > size)
        return -EIO_;
    for (size_t i = 0; i < count; i++) {
        const u8 *entry = block + i * DIRENT;
        size_t start = get16(entry + 8), end = i + 1 < count ? get16(entry + DIRENT + 8) : size;
        if (start < names || start > end || end > size)
            return -EIO_;
        size_t len = i + 1 < count ? end - start : strnlen((const char *)block + start, end - start);
        const char *name = (const char *)block + start;
        if (!len || len > NAME_LIMIT || memchr(name, '/', len) || memchr(name, 0, len))
            return -EIO_;
        bool dots = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
        if (!dots && visit(name, len, get64(entry), dirent_type(entry[10]), arg))
            return 1;
    }
    return 0;
}

int erofs_for_each(const struct erofs *fs, const struct erofs_inode *dir, u8 *buf,
                   int (*visit)(const char *name, size_t len, u64 nid, u32 type, void *arg), void *arg)
{
    if ((dir->mode & IFMT) != IFDIR)
        return -ENOTDIR_;
    for (u64 offset = 0; offset < dir->size; offset += block_size(fs)) {
        size_t n = MIN(block_size(fs), dir->size - offset);
        long got = erofs_read(fs, dir, offset, buf, n);
        if (got < 0)
            return (int)got;
        int stop = (size_t)got == n ? visit_block(buf, n, visit, arg) : -EIO_;
        if (stop)
            return stop < 0 ? stop : 0;
    }
    return 0;
}
