// SPDX-License-Identifier: BSD-3-Clause
// Making, mounting and syncing a file system.
#include "ext2/ext2_impl.h"

#include "base/bitmap.h"

enum { BLOCKS_PER_INODE = 4, MAX_INODES_PER_GROUP = EXT2_BLOCK * 8 };

static const char lost_found_name[] = "lost+found";

static size_t groups_bytes(const struct ext2 *fs) { return (size_t)ext2_table_blocks(fs) * EXT2_BLOCK; }

static u32 table_of_inodes(const struct ext2 *fs) { return fs->super.inodes_per_group / EXT2_INODES_PER_BLOCK; }

// Blocks of a group that hold the file system's own things.
static u32 group_overhead(const struct ext2 *fs, u32 group)
{
    return ext2_group_front(fs, group) + 2 + table_of_inodes(fs);
}

static void fill_super(struct ext2_super *s, u64 blocks, s64 now)
{
    u32 groups = (u32)DIV_ROUND_UP(blocks, (u64)EXT2_BLOCKS_PER_GROUP);
    u32 per_group = ALIGN_UP((u32)MIN(blocks, (u64)EXT2_BLOCKS_PER_GROUP) / BLOCKS_PER_INODE, 64u);

    *s = (struct ext2_super){
        .inodes_count = groups * MAX(per_group, 64u),
        .blocks_count = (u32)blocks,
        .log_block_size = 2,
        .log_cluster_size = 2,
        .blocks_per_group = EXT2_BLOCKS_PER_GROUP,
        .clusters_per_group = EXT2_BLOCKS_PER_GROUP,
        .inodes_per_group = MAX(per_group, 64u),
        .wtime = (u32)(now / 1000000000),
        .max_mnt_count = 0xffff,
        .magic = EXT2_MAGIC,
        .state = 1, // clean
        .errors = 1,
        .lastcheck = (u32)(now / 1000000000),
        .rev_level = 1,
        .first_ino = EXT2_FIRST_INO,
        .inode_size = EXT2_INODE_SIZE,
        .feature_compat = EXT2_COMPAT_EXT_ATTR,
        .feature_incompat = EXT2_INCOMPAT_FILETYPE,
        .feature_ro_compat = EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_EXTRA_ISIZE,
        .mkfs_time = (u32)(now / 1000000000),
        .min_extra_isize = EXT2_EXTRA_ISIZE,
        .want_extra_isize = EXT2_EXTRA_ISIZE,
        .volume_name = "occlum",
    };
}

static int map_fresh(struct ext2 *fs, u32 at, struct ext2_block *block)
{
    int err = ext2_map_block(fs, at, true, block);
    if (!err)
        memset(block->data, 0, EXT2_BLOCK);
    return err;
}

// Bitmaps of a new group. What lies behind the end of the last group and behind the inodes counts as in use.
int ext2_format_group(struct ext2 *fs, u32 group)
{
    struct ext2_group *g = &fs->groups[group];
    u32 start = group * EXT2_BLOCKS_PER_GROUP, overhead = group_overhead(fs, group),
        blocks = ext2_group_blocks(fs, group);
    struct ext2_block map;

    g->block_bitmap = start + overhead - table_of_inodes(fs) - 2;
    g->inode_bitmap = g->block_bitmap + 1;
    g->inode_table = g->block_bitmap + 2;
    g->free_blocks_count = (u16)(blocks - overhead);
    g->free_inodes_count = (u16)(fs->super.inodes_per_group - (group ? 0 : EXT2_FIRST_INO - 1));
    fs->super.free_blocks_count += g->free_blocks_count;
    fs->super.free_inodes_count += g->free_inodes_count;
    int err = map_fresh(fs, g->block_bitmap, &map);
    if (err)
        return err;
    bitmap_assign(map.data, 0, overhead, true);
    bitmap_assign(map.data, blocks, EXT2_BLOCKS_PER_GROUP - blocks, true);
    ext2_unmap_block(&map);
    err = map_fresh(fs, g->inode_bitmap, &map);
    if (err)
        return err;
    if (!group)
        bitmap_assign(map.data, 0, EXT2_FIRST_INO - 1, true);
    bitmap_assign(map.data, fs->super.inodes_per_group, EXT2_BLOCK * 8 - fs->super.inodes_per_group, true);
    ext2_unmap_block(&map);
    return 0;
}

// An inode with a fixed number, or the next one, that is a folder with two names.
static int make_folder(struct ext2 *fs, u32 ino, u32 parent, u32 mode, s64 now, struct ext2_file *ret_dir)
{
    struct ext2_file near = { .ino = EXT2_ROOT_INO };
    int err = 0;

    if (ino) {
        *ret_dir = (struct ext2_file){ .ino = ino, .goal = fs->groups[0].inode_table };
        ret_dir->raw.mode = (u16)(S_IFDIR | mode);
        ret_dir->raw.extra_isize = EXT2_EXTRA_ISIZE;
        for (enum ext2_time which = EXT2_ATIME; which <= EXT2_CTIME; which++)
            ext2_set_time(ret_dir, which, now);
        fs->groups[0].used_dirs_count++;
    } else {
        err = ext2_new(fs, &near, S_IFDIR | mode, 0, 0, 0, now, ret_dir);
    }
    ret_dir->raw.links_count = 2;
    return err ? err : ext2_make_dir(fs, ret_dir, parent ? parent : ret_dir->ino);
}

static int format_folders(struct ext2 *fs, s64 now)
{
    struct ext2_file root, lost;
    int err = make_folder(fs, EXT2_ROOT_INO, 0, 0755, now, &root);

    if (!err)
        err = make_folder(fs, 0, EXT2_ROOT_INO, 0700, now, &lost);
    if (err)
        return err;
    root.raw.links_count++;
    return ext2_add(fs, &root, lost_found_name, sizeof(lost_found_name) - 1, lost.ino, S_IFDIR);
}

static void destroy(struct ext2 *fs)
{
    if (fs->groups)
        fs->env->free(fs->groups, groups_bytes(fs));
    fs->env->free(fs, sizeof(*fs));
}

static int create(struct volume *volume, const struct volume_env *env, const struct ext2_super *super,
                  struct ext2 **ret_fs)
{
    struct ext2 *fs = env->alloc(sizeof(*fs));

    if (!fs)
        return -ENOMEM;
    *fs = (struct ext2){ .volume = volume, .env = env, .super = *super };
    fs->group_count = (u32)DIV_ROUND_UP((u64)super->blocks_count, (u64)EXT2_BLOCKS_PER_GROUP);
    fs->groups = env->alloc(groups_bytes(fs));
    if (!fs->groups) {
        destroy(fs);
        return -ENOMEM;
    }
    memset(fs->groups, 0, groups_bytes(fs));
    *ret_fs = fs;
    return 0;
}

int ext2_format(struct volume *volume, const struct volume_env *env, u64 blocks, s64 now)
{
    struct ext2_super super;
    struct ext2 *fs;

    if (blocks > UINT32_MAX)
        return -EFBIG;
    u64 tail = blocks % EXT2_BLOCKS_PER_GROUP;
    fill_super(&super, blocks, now);
    int err = create(volume, env, &super, &fs);
    if (err)
        return err;
    u32 last = fs->group_count - 1;
    if (tail && tail < group_overhead(fs, last) + 50) // a last group that is too small to hold its own tables
        fs->super.blocks_count -= (u32)tail;
    if (fs->super.blocks_count != super.blocks_count) {
        destroy(fs);
        return blocks == tail ? -ENOSPC : ext2_format(volume, env, blocks - tail, now);
    }
    env->random(fs->super.uuid, sizeof(fs->super.uuid));
    fs->super.uuid[6] = (u8)((fs->super.uuid[6] & 0x0f) | 0x40);
    fs->super.uuid[8] = (u8)((fs->super.uuid[8] & 0x3f) | 0x80);
    for (u32 group = 0; group < fs->group_count && !err; group++)
        err = ext2_format_group(fs, group);
    if (!err)
        err = format_folders(fs, now);
    if (!err)
        err = ext2_write_first(fs);
    for (u32 group = 1; group < fs->group_count && !err; group++)
        err = ext2_write_copies(fs, group);
    destroy(fs);
    return err ? err : volume_commit(volume);
}

static int check_super(struct ext2_super *s, u64 blocks)
{
    if (s->magic != EXT2_MAGIC || s->rev_level != 1 || s->log_block_size != 2 || s->inode_size != EXT2_INODE_SIZE ||
        s->blocks_per_group != EXT2_BLOCKS_PER_GROUP ||
        (s->feature_incompat & ~(u32)(EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_META_BG)) ||
        !(s->feature_incompat & EXT2_INCOMPAT_FILETYPE) ||
        (s->feature_ro_compat & ~(u32)(EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_EXTRA_ISIZE)))
        return -EINVAL;
    u64 groups = DIV_ROUND_UP((u64)s->blocks_count, (u64)EXT2_BLOCKS_PER_GROUP);
    if (s->blocks_count > blocks || !s->blocks_count || s->first_data_block || !s->inodes_per_group ||
        s->inodes_per_group > MAX_INODES_PER_GROUP || s->inodes_per_group % EXT2_INODES_PER_BLOCK ||
        s->inodes_count != groups * s->inodes_per_group)
        return -EUCLEAN;
    return 0;
}

static int check_groups(const struct ext2 *fs)
{
    for (u32 i = 0; i < fs->group_count; i++) {
        const struct ext2_group *g = &fs->groups[i];
        u32 most = fs->super.blocks_count;
        if (!g->block_bitmap || g->block_bitmap >= most || !g->inode_bitmap || g->inode_bitmap >= most ||
            !g->inode_table || g->inode_table >= most || table_of_inodes(fs) > most - g->inode_table ||
            g->free_blocks_count > ext2_group_blocks(fs, i) || g->free_inodes_count > fs->super.inodes_per_group)
            return -EUCLEAN;
    }
    return 0;
}

struct sweep {
    char name[16];
    size_t len;
    u32 ino;
};

static int first_orphan(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    struct sweep *s = arg;

    if (name[0] != '#' || len >= sizeof(s->name))
        return 0;
    memcpy(s->name, name, len);
    s->len = len;
    s->ino = ino;
    return 1;
}

// Files that were open without a name when the last run ended.
static int remove_orphans(struct ext2 *fs)
{
    struct ext2_file lost, file;
    int err = ext2_load(fs, fs->lost_found, &lost);

    while (!err) {
        struct sweep s = { 0 };
        u64 position = 0;
        err = ext2_for_each(fs, &lost, &position, first_orphan, &s);
        if (err || !s.ino)
            break;
        err = ext2_load(fs, s.ino, &file);
        if (!err)
            err = ext2_delete(fs, &file, ext2_get_time(&file, EXT2_CTIME));
        if (!err && S_ISDIR(file.raw.mode)) {
            lost.raw.links_count--;
            err = ext2_store(fs, &lost);
        }
        if (!err)
            err = ext2_remove(fs, &lost, s.name, s.len);
        ext2_file_done(fs, &file);
    }
    ext2_file_done(fs, &lost);
    return err;
}

static int find_lost_found(struct ext2 *fs)
{
    struct ext2_file root;
    int err = ext2_load(fs, EXT2_ROOT_INO, &root);

    if (!err)
        err = ext2_find(fs, &root, lost_found_name, sizeof(lost_found_name) - 1, &fs->lost_found);
    ext2_file_done(fs, &root);
    return err == -ENOENT ? -EUCLEAN : err;
}

int ext2_mount(struct volume *volume, const struct volume_env *env, struct ext2 **ret_fs)
{
    struct volume_info info;
    struct ext2_super super;
    struct block *block;
    struct ext2 *fs;
    void *data;

    volume_get_info(volume, &info);
    int err = volume_map(volume, 0, false, &block, &data);
    if (err)
        return err;
    memcpy(&super, (u8 *)data + EXT2_SUPER_OFFSET, sizeof(super));
    volume_unmap(block);
    err = check_super(&super, info.blocks);
    if (!err)
        err = create(volume, env, &super, &fs);
    if (err)
        return err;
    err = ext2_read_table(fs);
    if (!err)
        err = check_groups(fs);
    if (!err)
        err = find_lost_found(fs);
    if (!err && !info.read_only)
        err = remove_orphans(fs);
    if (err)
        destroy(fs);
    else
        *ret_fs = fs;
    return err;
}

void ext2_unmount(struct ext2 *fs) { destroy(fs); }

int ext2_sync(struct ext2 *fs)
{
    if (fs->counts_dirty) {
        int err = ext2_write_first(fs);
        if (err)
            return err;
        fs->counts_dirty = false;
    }
    return volume_commit(fs->volume);
}
