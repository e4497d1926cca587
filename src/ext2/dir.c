// SPDX-License-Identifier: BSD-3-Clause
// Folders: blocks of entries, each with the length to the next one.
#include "ext2/ext2_impl.h"
#include "ext2/index.h"

enum { INDEX_FROM = 4 * EXT2_BLOCK }; // smaller folders are looked through

// An entry found: its block is mapped until done().
struct dir_place {
    struct ext2_block block;
    struct ext2_dirent *entry, *before; // before: the entry before it in the block, NULL: it is the first
    u64 offset;                         // of entry, in the folder
};

static size_t entry_size(size_t name_len) { return ALIGN_UP(sizeof(struct ext2_dirent) + name_len, (size_t)4); }

u32 ext2_type_of_mode(u32 mode)
{
    static const u8 types[16] = { [S_IFREG >> 12] = EXT2_FT_REG,    [S_IFDIR >> 12] = EXT2_FT_DIR,
                                  [S_IFCHR >> 12] = EXT2_FT_CHR,    [S_IFBLK >> 12] = EXT2_FT_BLK,
                                  [S_IFIFO >> 12] = EXT2_FT_FIFO,   [S_IFSOCK >> 12] = EXT2_FT_SOCK,
                                  [S_IFLNK >> 12] = EXT2_FT_SYMLINK };
    return types[mode >> 12 & 15];
}

// The entry at a place of a block; NULL: what is there is none.
static struct ext2_dirent *entry_at(const struct ext2_block *block, size_t at)
{
    struct ext2_dirent *entry = (struct ext2_dirent *)(block->bytes + at);

    if (at + sizeof(*entry) > EXT2_BLOCK || entry->rec_len % 4 || entry->rec_len < entry_size(entry->name_len) ||
        entry->rec_len > EXT2_BLOCK - at)
        return NULL;
    return entry;
}

static int map_dir_block(struct ext2 *fs, struct ext2_file *dir, u64 index, bool write, struct ext2_block *block)
{
    bool new;
    u32 at;
    int err = ext2_bmap(fs, dir, index, false, &at, &new);

    if (!err && !at)
        err = -EUCLEAN; // folders have no holes
    return err ? err : ext2_map_block(fs, at, write, block);
}

static bool is_name(const struct ext2_dirent *entry, const char *name, size_t len)
{
    return entry->inode && entry->name_len == len && memcmp(entry->name, name, len) == 0;
}

// Looks through one block. 1: found.
static int find_in_block(struct dir_place *place, const char *name, size_t len)
{
    place->before = NULL;
    for (size_t at = 0; at < EXT2_BLOCK;) {
        struct ext2_dirent *entry = entry_at(&place->block, at);
        if (!entry)
            return -EUCLEAN;
        if (is_name(entry, name, len)) {
            place->entry = entry;
            place->offset = ALIGN_DOWN(place->offset, (u64)EXT2_BLOCK) + at;
            return 1;
        }
        place->before = entry;
        at += entry->rec_len;
    }
    return 0;
}

static int find_in(struct ext2 *fs, struct ext2_file *dir, u64 index, bool write, const char *name, size_t len,
                   struct dir_place *place)
{
    int found = map_dir_block(fs, dir, index, write, &place->block);

    if (found)
        return found;
    place->offset = index * EXT2_BLOCK;
    found = find_in_block(place, name, len);
    if (found != 1)
        ext2_unmap_block(&place->block);
    return found;
}

struct indexing {
    struct ext2 *fs;
    struct ext2_index *index;
};

static int index_block(struct indexing *i, struct ext2_file *dir, u64 block)
{
    struct ext2_block map;
    int err = map_dir_block(i->fs, dir, block, false, &map);

    if (err)
        return err;
    for (size_t at = 0; at < EXT2_BLOCK && !err;) {
        struct ext2_dirent *entry = entry_at(&map, at);
        if (!entry)
            err = -EUCLEAN;
        else if (entry->inode)
            err =
                ext2_index_add(i->fs->env, i->index, ext2_hash(entry->name, entry->name_len), block * EXT2_BLOCK + at);
        at += entry ? entry->rec_len : 0;
    }
    ext2_unmap_block(&map);
    return err;
}

// Large folders get an index. Without memory for it they are looked through.
static int need_index(struct ext2 *fs, struct ext2_file *dir)
{
    struct indexing i = { .fs = fs };
    u64 size = ext2_size(dir);

    if (dir->index || size < INDEX_FROM)
        return 0;
    int err = ext2_index_new(fs->env, size / 32, &i.index);
    for (u64 block = 0; !err && block < size / EXT2_BLOCK; block++)
        err = index_block(&i, dir, block);
    if (!err)
        dir->index = i.index;
    else if (i.index)
        ext2_index_free(fs->env, i.index);
    return err == -ENOMEM ? 0 : err;
}

// 0 with place->block mapped; -ENOENT.
static int find(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, bool write,
                struct dir_place *place)
{
    u64 at = 0, offset;
    int found = need_index(fs, dir);

    if (found)
        return found;
    if (dir->index) {
        while (!found && ext2_index_next(dir->index, ext2_hash(name, len), &at, &offset))
            found = find_in(fs, dir, offset / EXT2_BLOCK, write, name, len, place);
    } else {
        for (u64 index = 0; !found && index < ext2_size(dir) / EXT2_BLOCK; index++)
            found = find_in(fs, dir, index, write, name, len, place);
    }
    if (found < 0)
        return found;
    return found ? 0 : -ENOENT;
}

int ext2_find(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 *ret_ino)
{
    struct dir_place place;
    int err = find(fs, dir, name, len, false, &place);

    if (err)
        return err;
    *ret_ino = place.entry->inode;
    ext2_unmap_block(&place.block);
    return 0;
}

static void fill(struct ext2_dirent *entry, const char *name, size_t len, u32 ino, u32 mode)
{
    entry->inode = ino;
    entry->name_len = (u8)len;
    entry->type = (u8)ext2_type_of_mode(mode);
    memcpy(entry->name, name, len);
}

// Puts the name into the block if there is room. 1: done, *ret_at: where.
static int add_to_block(struct ext2_block *block, const char *name, size_t len, u32 ino, u32 mode, size_t *ret_at)
{
    for (size_t at = 0; at < EXT2_BLOCK;) {
        struct ext2_dirent *entry = entry_at(block, at);
        if (!entry)
            return -EUCLEAN;
        size_t used = entry->inode ? entry_size(entry->name_len) : 0;
        if (entry->rec_len - used >= entry_size(len)) {
            struct ext2_dirent *new = (struct ext2_dirent *)(block->bytes + at + used);
            new->rec_len = (u16)(entry->rec_len - used);
            if (used)
                entry->rec_len = (u16)used;
            fill(new, name, len, ino, mode);
            *ret_at = at + used;
            return 1;
        }
        at += entry->rec_len;
    }
    return 0;
}

// One more block at the end, of one unused entry.
static int append_block(struct ext2 *fs, struct ext2_file *dir)
{
    union {
        struct ext2_dirent entry;
        u8 bytes[sizeof(struct ext2_dirent)];
    } unused = { .entry = { .rec_len = EXT2_BLOCK } };
    u64 size = ext2_size(dir);
    struct ext2_block block;
    bool new;
    u32 at;
    int err = ext2_bmap(fs, dir, size / EXT2_BLOCK, true, &at, &new);

    if (!err)
        err = ext2_map_block(fs, at, true, &block);
    if (err) {
        int freed = ext2_free_range(fs, dir, size / EXT2_BLOCK, UINT64_MAX);
        return freed ? freed : err;
    }
    memset(block.data, 0, EXT2_BLOCK);
    memcpy(block.data, unused.bytes, sizeof(unused.bytes));
    ext2_unmap_block(&block);
    dir->raw.size += EXT2_BLOCK;
    return 0;
}

static int add_in(struct ext2 *fs, struct ext2_file *dir, u64 index, const char *name, size_t len, u32 ino, u32 mode)
{
    struct ext2_block block;
    size_t at;
    int added = map_dir_block(fs, dir, index, true, &block);

    if (added)
        return added;
    added = add_to_block(&block, name, len, ino, mode, &at);
    ext2_unmap_block(&block);
    if (added == 1 && dir->index &&
        ext2_index_add(fs->env, dir->index, ext2_hash(name, len), index * EXT2_BLOCK + at)) {
        ext2_index_free(fs->env, dir->index); // it would lack the name
        dir->index = NULL;
    }
    return added;
}

int ext2_add(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 ino, u32 mode)
{
    u64 blocks = ext2_size(dir) / EXT2_BLOCK, from = 0;
    u32 there;

    if (!len || len > EXT2_NAME_MAX)
        return len ? -ENAMETOOLONG : -EINVAL;
    int added = ext2_find(fs, dir, name, len, &there);
    if (added != -ENOENT)
        return added ? added : -EEXIST;
    added = 0;
    // Of a large folder only the blocks that had room last are looked at, and the last one.
    if (dir->index)
        from = MAX(blocks, (u64)2) - 2;
    if (dir->index && dir->room < from)
        added = add_in(fs, dir, dir->room, name, len, ino, mode);
    for (u64 index = from; !added && index < blocks; index++)
        added = add_in(fs, dir, index, name, len, ino, mode);
    if (!added) {
        added = append_block(fs, dir);
        if (!added)
            added = add_in(fs, dir, blocks, name, len, ino, mode);
    }
    if (added < 0)
        return added;
    return ext2_store(fs, dir);
}

int ext2_remove(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len)
{
    struct dir_place place;
    int err = find(fs, dir, name, len, true, &place);

    if (err)
        return err;
    if (place.before)
        place.before->rec_len = (u16)(place.before->rec_len + place.entry->rec_len);
    place.entry->inode = 0;
    if (dir->index)
        ext2_index_remove(dir->index, ext2_hash(name, len), place.offset);
    dir->room = place.offset / EXT2_BLOCK;
    ext2_unmap_block(&place.block);
    return ext2_store(fs, dir);
}

int ext2_retarget(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 ino, u32 mode)
{
    struct dir_place place;
    int err = find(fs, dir, name, len, true, &place);

    if (err)
        return err;
    place.entry->inode = ino;
    place.entry->type = (u8)ext2_type_of_mode(mode);
    ext2_unmap_block(&place.block);
    return 0;
}

int ext2_make_dir(struct ext2 *fs, struct ext2_file *dir, u32 parent)
{
    int err = append_block(fs, dir);

    if (!err)
        err = ext2_add(fs, dir, ".", 1, dir->ino, S_IFDIR);
    if (!err)
        err = ext2_add(fs, dir, "..", 2, parent, S_IFDIR);
    return err;
}

int ext2_for_each(struct ext2 *fs, struct ext2_file *dir, u64 *position, ext2_visit visit, void *arg)
{
    u64 size = ext2_size(dir);

    while (*position < size) {
        struct ext2_block block;
        u64 start = ALIGN_DOWN(*position, (u64)EXT2_BLOCK);
        int err = map_dir_block(fs, dir, start / EXT2_BLOCK, false, &block);
        // Entries are joined when their neighbour goes: the next one at or behind the position.
        for (size_t at = 0; at < EXT2_BLOCK && !err;) {
            const struct ext2_dirent *entry = entry_at(&block, at);
            err = entry ? 0 : -EUCLEAN;
            if (err)
                break;
            u64 next = start + at + entry->rec_len;
            if (start + at >= *position && entry->inode &&
                visit(arg, entry->name, entry->name_len, entry->inode, entry->type, next)) {
                err = 1;
                break;
            }
            if (start + at >= *position)
                *position = next;
            at += entry->rec_len;
        }
        ext2_unmap_block(&block);
        if (err)
            return err < 0 ? err : 0;
        *position = MAX(*position, start + EXT2_BLOCK);
    }
    return 0;
}

static int another_name(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    bool *found = arg;
    *found = !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
    return *found;
}

int ext2_is_empty(struct ext2 *fs, struct ext2_file *dir)
{
    bool found = false;
    u64 position = 0;
    int err = ext2_for_each(fs, dir, &position, another_name, &found);

    if (err)
        return err;
    return !found;
}

void ext2_file_done(struct ext2 *fs, struct ext2_file *file)
{
    if (file->index)
        ext2_index_free(fs->env, file->index);
    file->index = NULL;
}
