// SPDX-License-Identifier: BSD-3-Clause
// ext2 on a volume against a model in memory, and against e2fsck and debugfs.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../test.h"
#include "../volume/disk.h"
#include "image.h"
#include "ext2/ext2.h"

enum { BLOCKS = 70000, NOW = 1000000000 }; // three groups

static const u8 key[32] = { 1 }, binding[32] = { 0 };

struct setup {
    struct disk disk;
    struct volume *volume;
    struct ext2 *fs;
    char image[64];
};

static bool open_all(struct setup *s)
{
    struct volume_backend backend = disk_backend(&s->disk);
    struct volume_options options = { .cache_blocks = 256 };

    memcpy(options.key, key, sizeof(key));
    return volume_open(&test_env, &backend, &options, &s->volume) == 0 && ext2_mount(s->volume, &test_env, &s->fs) == 0;
}

static void close_all(struct setup *s)
{
    ext2_unmount(s->fs);
    volume_close(s->volume);
}

static bool begin(struct setup *s, u64 blocks)
{
    struct volume_backend backend = disk_backend(&s->disk);
    struct volume_options options = { 0 };
    struct volume *volume;

    disk_init(&s->disk);
    snprintf(s->image, sizeof(s->image), "/tmp/test-ext2-%d.img", getpid());
    memcpy(options.key, key, sizeof(key));
    if (volume_format(&test_env, &backend, key, binding, blocks, blocks) != 0 ||
        volume_open(&test_env, &backend, &options, &volume) != 0)
        return false;
    int err = ext2_format(volume, &test_env, blocks, NOW);
    volume_close(volume);
    return !err && open_all(s);
}

static bool clean(struct setup *s)
{
    bool good = ext2_sync(s->fs) == 0 && image_write(s->volume, s->image) == 0 && image_check(s->image) == 0;
    char log[80];

    snprintf(log, sizeof(log), "%s.log", s->image);
    unlink(log);
    unlink(s->image);
    return good;
}

static void end(struct setup *s)
{
    close_all(s);
    disk_free(&s->disk);
}

static int make_file(struct setup *s, struct ext2_file *dir, const char *name, u32 mode, struct ext2_file *ret_file)
{
    int err = ext2_new(s->fs, dir, mode, 1000, 70000, 0, NOW, ret_file);
    if (!err) {
        ret_file->raw.links_count = 1;
        err = ext2_store(s->fs, ret_file);
    }
    return err ? err : ext2_add(s->fs, dir, name, strlen(name), ret_file->ino, mode);
}

static void pattern(u8 *buf, size_t n, u64 seed)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (u8)((seed + i) * 2654435761u >> 13);
}

TEST(fresh_is_clean)
{
    static const u64 sizes[] = { 2000, 32768, 32769 + 60, 33000, 65536, BLOCKS, 300000 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct setup s;
        CHECK(begin(&s, sizes[i]));
        CHECK(clean(&s));
        end(&s);
    }
    CHECK_EQ(test_allocations(), 0);
}

// One file through all levels of indirection, sparse; truncated at random; the same bytes by debugfs.
TEST(contents)
{
    enum { MODEL = 6 << 20 };
    static u8 model[MODEL], buf[MODEL];
    static const u64 bases[] = { 0, 11 * 4096, (12 + 1024) * 4096ull - 5000,
                                 (12 + 1024 + 1024 * 1024) * 4096ull - 9000 };
    struct ext2_file root, file;
    struct setup s;

    for (size_t b = 0; b < ARRAY_SIZE(bases); b++) {
        u64 base = bases[b], size = 0;
        CHECK(begin(&s, BLOCKS));
        CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
        CHECK_EQ(make_file(&s, &root, "file", S_IFREG | 0644, &file), 0);
        memset(model, 0, sizeof(model));
        for (int i = 0; i < 300; i++) {
            u64 at = test_random() % (MODEL - 300000), n = 1 + test_random() % (i % 10 ? 9000 : 300000);
            switch (test_random() % 8) {
            case 0:
                CHECK_EQ(ext2_truncate(s.fs, &file, base + at), 0);
                memset(model + at, 0, MODEL - at);
                size = base + at;
                break;
            case 1:
                CHECK_EQ(ext2_punch(s.fs, &file, base + at, n), 0);
                memset(model + at, 0, n);
                break;
            case 2:
                CHECK_EQ(ext2_sync(s.fs), 0);
                break;
            case 3:
                CHECK_EQ(ext2_reserve(s.fs, &file, base + at, n), 0);
                break;
            default:
                pattern(buf, n, test_random());
                memcpy(model + at, buf, n);
                CHECK_EQ(ext2_write(s.fs, &file, base + at, buf, n), (long)n);
                size = MAX(size, base + at + n);
            }
            CHECK_EQ(ext2_size(&file), size);
        }
        // What punched or reserved ranges behind the end hold is not seen.
        long n = ext2_read(s.fs, &file, base, buf, MODEL);
        CHECK_EQ(n, size > base ? (long)MIN((u64)MODEL, size - base) : 0);
        CHECK(memcmp(buf, model, (size_t)n) == 0);
        CHECK(clean(&s));
        if (!base) {
            CHECK_EQ(image_write(s.volume, s.image), 0);
            CHECK_EQ(image_cat(s.image, "file", buf, MODEL), (long)size);
            CHECK(memcmp(buf, model, size) == 0);
            unlink(s.image);
        }
        end(&s);
    }
    CHECK_EQ(test_allocations(), 0);
}

enum { NAMES = 3000 };
static u32 inos[NAMES]; // 0: no such name

static size_t name_of(u32 i, char *name)
{
    return (size_t)snprintf(name, 64, "%.*s%u", (int)(i % 40), "a-rather-long-name-for-a-file-in-a-folder", i);
}

struct count {
    u64 names, sum;
};

static int count_visit(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    struct count *c = arg;
    c->names++;
    c->sum += ino;
    return 0;
}

// Thousands of names come and go: looking up, listing, e2fsck.
TEST(names)
{
    struct ext2_file root, file;
    struct setup s;
    char name[64];
    u32 ino;

    CHECK(begin(&s, BLOCKS));
    memset(inos, 0, sizeof(inos));
    CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
    for (u32 i = 0; i < 30000; i++) {
        u32 n = (u32)(test_random() % NAMES);
        size_t len = name_of(n, name);
        if (inos[n]) {
            CHECK_EQ(ext2_find(s.fs, &root, name, len, &ino), 0);
            CHECK_EQ(ino, inos[n]);
            CHECK_EQ(ext2_add(s.fs, &root, name, len, ino, S_IFREG), -EEXIST);
            if (test_random() % 3)
                continue;
            CHECK_EQ(ext2_remove(s.fs, &root, name, len), 0);
            CHECK_EQ(ext2_load(s.fs, ino, &file), 0);
            CHECK_EQ(ext2_delete(s.fs, &file, NOW), 0);
            inos[n] = 0;
        } else {
            CHECK_EQ(ext2_find(s.fs, &root, name, len, &ino), -ENOENT);
            CHECK_EQ(ext2_remove(s.fs, &root, name, len), -ENOENT);
            CHECK_EQ(make_file(&s, &root, name, S_IFREG | 0600, &file), 0);
            inos[n] = file.ino;
        }
        if (i % 10000 == 5000) {
            ext2_file_done(s.fs, &root);
            CHECK(clean(&s));
            close_all(&s);
            CHECK(open_all(&s));
            CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
        }
    }
    struct count counted = { 0 }, wanted = { .names = 3, .sum = 2 + 2 + s.fs->lost_found };
    u64 position = 0;
    CHECK_EQ(ext2_for_each(s.fs, &root, &position, count_visit, &counted), 0);
    for (u32 i = 0; i < NAMES; i++) {
        wanted.names += inos[i] != 0;
        wanted.sum += inos[i];
    }
    CHECK_EQ(counted.names, wanted.names);
    CHECK_EQ(counted.sum, wanted.sum);
    ext2_file_done(s.fs, &root);
    CHECK(clean(&s));
    end(&s);
    CHECK_EQ(test_allocations(), 0);
}

TEST(folders_links_devices_and_times)
{
    struct ext2_file root, dir, file, loaded;
    struct setup s;

    CHECK(begin(&s, BLOCKS));
    CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
    CHECK_EQ(make_file(&s, &root, "dir", S_IFDIR | 0755, &dir), 0);
    dir.raw.links_count = 2;
    CHECK_EQ(ext2_make_dir(s.fs, &dir, root.ino), 0);
    root.raw.links_count++;
    CHECK_EQ(ext2_store(s.fs, &root), 0);
    CHECK_EQ(ext2_is_empty(s.fs, &dir), 1);
    CHECK_EQ(ext2_new(s.fs, &dir, S_IFCHR | 0600, 0, 0, 5 << 8 | 3, NOW, &file), 0);
    file.raw.links_count = 1;
    CHECK_EQ(ext2_store(s.fs, &file), 0);
    CHECK_EQ(ext2_add(s.fs, &dir, "device", 6, file.ino, file.raw.mode), 0);
    CHECK_EQ(ext2_rdev(&file), 5 << 8 | 3);
    CHECK_EQ(ext2_is_empty(s.fs, &dir), 0);
    static const s64 times[] = {
        0, 1, -1, -1500000001, 2147483647999999999ll, 2147483648000000001ll, 5000000000123456789ll
    };
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        ext2_set_time(&file, EXT2_MTIME, times[i]);
        CHECK_EQ(ext2_store(s.fs, &file), 0);
        CHECK_EQ(ext2_load(s.fs, file.ino, &loaded), 0);
        CHECK_EQ(ext2_get_time(&loaded, EXT2_MTIME), times[i]);
    }
    CHECK_EQ(ext2_load(s.fs, dir.ino, &loaded), 0);
    CHECK_EQ(ext2_uid(&loaded), 1000);
    CHECK_EQ(ext2_gid(&loaded), 70000);
    CHECK(clean(&s));
    end(&s);
}

TEST(attributes)
{
    struct ext2_file root, file;
    struct setup s;
    char value[3000], buf[4096], name[32];

    CHECK(begin(&s, BLOCKS));
    CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
    CHECK_EQ(make_file(&s, &root, "file", S_IFREG | 0644, &file), 0);
    CHECK_EQ(ext2_get_xattr(s.fs, &file, "user.a", buf, sizeof(buf)), -ENODATA);
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "user.a", "one", 3, XATTR_REPLACE), -ENODATA);
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "user.a", "one", 3, XATTR_CREATE), 0);
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "user.a", "one", 3, XATTR_CREATE), -EEXIST);
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "trusted.overlay.opaque", "y", 1, 0), 0);
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "odd.name", "y", 1, 0), -EOPNOTSUPP);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "user.%d", i);
        CHECK_EQ(ext2_set_xattr(s.fs, &file, name, name, strlen(name), 0), 0);
    }
    CHECK(clean(&s));
    memset(value, 'v', sizeof(value));
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "user.large", value, sizeof(value), 0), -ENOSPC);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "user.%d", i);
        CHECK_EQ(ext2_get_xattr(s.fs, &file, name, buf, sizeof(buf)), (long)strlen(name));
        CHECK(memcmp(buf, name, strlen(name)) == 0);
        CHECK_EQ(ext2_set_xattr(s.fs, &file, name, NULL, 0, 0), 0);
    }
    CHECK_EQ(ext2_set_xattr(s.fs, &file, "user.large", value, sizeof(value), 0), 0);
    CHECK_EQ(ext2_get_xattr(s.fs, &file, "user.large", buf, 10), -ERANGE);
    CHECK_EQ(ext2_get_xattr(s.fs, &file, "user.large", buf, 0), sizeof(value));
    CHECK_EQ(ext2_list_xattr(s.fs, &file, buf, sizeof(buf)), 7 + 11 + 23);
    CHECK(clean(&s));
    CHECK_EQ(ext2_remove(s.fs, &root, "file", 4), 0);
    CHECK_EQ(ext2_delete(s.fs, &file, NOW), 0);
    CHECK(clean(&s));
    end(&s);
    CHECK_EQ(test_allocations(), 0);
}

// A full file system says so and stays whole.
TEST(full)
{
    static u8 buf[100000];
    struct ext2_file root, file;
    struct setup s;
    char name[16];
    long n = 0;

    CHECK(begin(&s, 2000));
    CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
    for (int i = 0; n >= 0; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        n = make_file(&s, &root, name, S_IFREG | 0644, &file);
        for (int k = 0; n >= 0 && k < 5; k++)
            n = ext2_write(s.fs, &file, (u64)k * sizeof(buf), buf, sizeof(buf));
        CHECK(i < 100);
    }
    CHECK_EQ(n, -ENOSPC);
    CHECK(clean(&s));
    end(&s);
    CHECK_EQ(test_allocations(), 0);
}

// Open without a name when the run ended: hidden in lost+found, gone at the next mount.
TEST(orphans)
{
    struct ext2_file root, lost, file;
    struct setup s;
    char name[16];
    u32 ino;

    CHECK(begin(&s, BLOCKS));
    CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
    CHECK_EQ(ext2_load(s.fs, s.fs->lost_found, &lost), 0);
    u32 free_inodes = s.fs->super.free_inodes_count;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ext2_new(s.fs, &root, S_IFREG | 0600, 0, 0, 0, NOW, &file), 0);
        file.raw.links_count = 1;
        CHECK_EQ(ext2_write(s.fs, &file, 5000, "data", 4), 4);
        snprintf(name, sizeof(name), "#%u", file.ino);
        CHECK_EQ(ext2_add(s.fs, &lost, name, strlen(name), file.ino, file.raw.mode), 0);
    }
    CHECK(clean(&s));
    close_all(&s);
    CHECK(open_all(&s));
    CHECK_EQ(ext2_load(s.fs, s.fs->lost_found, &lost), 0);
    CHECK_EQ(ext2_find(s.fs, &lost, name, strlen(name), &ino), -ENOENT);
    CHECK_EQ(s.fs->super.free_inodes_count, free_inodes);
    CHECK(clean(&s));
    end(&s);
}

// Files stay, the new room can be used, and e2fsck agrees: within the last group, over its end, and beyond what one
// block of descriptors holds.
TEST(grows)
{
    static const u64 sizes[] = { 5000, 5001, 9000, 32768, 32769, 70000, 100000, 131ull * 32768 };
    static u8 buf[1 << 16], got[1 << 16];
    struct ext2_file root, file;
    struct setup s;

    CHECK(begin(&s, 4500));
    pattern(buf, sizeof(buf), 7);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char name[16];
        CHECK_EQ(ext2_grow(s.fs, sizes[i]), 0);
        CHECK_EQ(ext2_grow(s.fs, sizes[i]), 0); // again: nothing to do
        CHECK(s.fs->super.blocks_count == sizes[i] || (sizes[i] == 32769 && s.fs->super.blocks_count == 32768));
        close_all(&s);
        CHECK(open_all(&s));
        CHECK_EQ(ext2_load(s.fs, EXT2_ROOT_INO, &root), 0);
        snprintf(name, sizeof(name), "file-%zu", i);
        CHECK_EQ(make_file(&s, &root, name, S_IFREG | 0644, &file), 0);
        file.goal = s.fs->super.blocks_count - 40; // in what is new
        CHECK_EQ(ext2_write(s.fs, &file, 0, buf, sizeof(buf)), (long)sizeof(buf));
        CHECK(clean(&s));
        for (size_t k = 0; k <= i; k++) {
            u32 ino;
            snprintf(name, sizeof(name), "file-%zu", k);
            CHECK_EQ(ext2_find(s.fs, &root, name, strlen(name), &ino), 0);
            CHECK_EQ(ext2_load(s.fs, ino, &file), 0);
            CHECK_EQ(ext2_read(s.fs, &file, 0, got, sizeof(got)), (long)sizeof(got));
            CHECK(memcmp(buf, got, sizeof(buf)) == 0);
        }
        ext2_file_done(s.fs, &root);
    }
    end(&s);
}
