// SPDX-License-Identifier: BSD-3-Clause
// What `occlum mount` does, without a kernel: the operations are called as FUSE calls them; e2fsck judges the disk, and
// a second opening what is durable.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../test.h"
#include "../volume/disk.h"
#include "cli/mount_ops.h"
#include "image.h"

enum { BLOCKS = 20000 };

static const struct fuse_operations *const ops = &mount_operations;
static const u8 key[32] = { 9 }, binding[32] = { 0 };
static struct disk disk;
static struct volume *volume;
static struct ext2 *fs;

static void open_all(bool read_only)
{
    struct volume_backend backend = disk_backend(&disk);
    struct volume_options options = { .cache_blocks = 256 };

    memcpy(options.key, key, sizeof(key));
    if (volume_open(&test_env, &backend, &options, &volume) != 0 || ext2_mount(volume, &test_env, &fs) != 0)
        abort();
    mount_use(fs, read_only);
}

static void close_all(void)
{
    ext2_unmount(fs);
    volume_close(volume);
}

static void begin(void)
{
    struct volume_backend backend = disk_backend(&disk);
    struct volume_options options = { .cache_blocks = 256 };

    disk_init(&disk);
    memcpy(options.key, key, sizeof(key));
    if (volume_format(&test_env, &backend, key, binding, BLOCKS, BLOCKS) != 0 ||
        volume_open(&test_env, &backend, &options, &volume) != 0 || ext2_format(volume, &test_env, BLOCKS, 0) != 0)
        abort();
    volume_close(volume);
    open_all(false);
}

static bool sound(void)
{
    char path[64], log[80];
    snprintf(path, sizeof(path), "/tmp/mount-ops-%d.img", getpid());
    bool good = mount_commit() == 0 && image_write(volume, path) == 0 && image_check(path) == 0;
    snprintf(log, sizeof(log), "%s.log", path);
    unlink(log);
    unlink(path);
    return good;
}

static long size_of(const char *path)
{
    struct stat st;
    int err = ops->getattr(path, &st, NULL);
    return err ? err : st.st_size;
}

static long links_of(const char *path)
{
    struct stat st;
    int err = ops->getattr(path, &st, NULL);
    return err ? err : (long)st.st_nlink;
}

static int count_names(void *buf, const char *name, const struct stat *st, off_t next, enum fuse_fill_dir_flags flags)
{
    ++*(int *)buf;
    return 0;
}

static int names_in(const char *path)
{
    int count = 0, err = ops->readdir(path, &count, count_names, 0, NULL, 0);
    return err ? err : count;
}

TEST(names_and_contents)
{
    char buf[64] = "";

    begin();
    CHECK_EQ(ops->mkdir("/d", 0755), 0);
    CHECK_EQ(ops->mkdir("/d", 0755), -EEXIST);
    CHECK_EQ(ops->mknod("/d/f", S_IFREG | 0644, 0), 0);
    CHECK_EQ(ops->mknod("/none/f", S_IFREG | 0644, 0), -ENOENT);
    CHECK_EQ(ops->mknod("/d/f/g", S_IFREG | 0644, 0), -ENOTDIR);
    CHECK_EQ(ops->write("/d/f", "hello", 5, 100000, NULL), 5);
    CHECK_EQ(size_of("/d/f"), 100005);
    CHECK_EQ(ops->read("/d/f", buf, sizeof(buf), 99999, NULL), 6);
    CHECK(memcmp(buf, "\0hello", 6) == 0);
    CHECK_EQ(ops->truncate("/d/f", 3, NULL), 0);
    CHECK_EQ(size_of("/d/f"), 3);
    CHECK_EQ(ops->link("/d/f", "/g"), 0);
    CHECK_EQ(ops->link("/d", "/h"), -EPERM);
    CHECK_EQ(links_of("/g"), 2);
    CHECK_EQ(ops->symlink("d/f", "/s"), 0);
    CHECK_EQ(ops->readlink("/s", buf, sizeof(buf)), 0);
    CHECK(strcmp(buf, "d/f") == 0);
    CHECK_EQ(ops->unlink("/d"), -EISDIR);
    CHECK_EQ(ops->rmdir("/g"), -ENOTDIR);
    CHECK_EQ(ops->rmdir("/d"), -ENOTEMPTY);
    CHECK_EQ(ops->unlink("/d/f"), 0);
    CHECK_EQ(links_of("/g"), 1);
    CHECK_EQ(ops->rmdir("/d"), 0);
    CHECK_EQ(ops->rmdir("/lost+found"), -EBUSY);
    CHECK_EQ(names_in("/"), 5);
    CHECK(sound());
    close_all();
    open_all(false); // what was committed is there
    CHECK_EQ(size_of("/g"), 3);
    close_all();
    disk_free(&disk);
}

TEST(renames)
{
    begin();
    CHECK_EQ(ops->mkdir("/a", 0755), 0);
    CHECK_EQ(ops->mkdir("/a/b", 0755), 0);
    CHECK_EQ(ops->mkdir("/c", 0755), 0);
    CHECK_EQ(ops->mknod("/f", S_IFREG | 0600, 0), 0);
    CHECK_EQ(ops->mknod("/g", S_IFREG | 0600, 0), 0);
    CHECK_EQ(ops->rename("/a", "/a/b/x", 0), -EINVAL);
    CHECK_EQ(ops->rename("/f", "/g", 1), -EEXIST);
    CHECK_EQ(ops->rename("/f", "/a", 0), -EISDIR);
    CHECK_EQ(ops->rename("/a", "/f", 0), -ENOTDIR);
    CHECK_EQ(ops->rename("/c", "/a", 0), -ENOTEMPTY);
    CHECK_EQ(ops->rename("/none", "/a", 0), -ENOENT);
    CHECK_EQ(ops->rename("/f", "/g", 0), 0);
    CHECK_EQ(ops->rename("/a/b", "/c", 0), 0);
    CHECK_EQ(links_of("/a"), 2);
    CHECK_EQ(links_of("/c"), 2);
    CHECK_EQ(ops->rename("/c", "/a/c", 0), 0);
    CHECK_EQ(links_of("/a"), 3);
    CHECK_EQ(links_of("/"), 4); // with lost+found and a
    CHECK_EQ(ops->rename("/g", "/g", 0), 0);
    CHECK_EQ(ops->rename("/a/c", "/a/d", 0), 0);
    CHECK(sound());
    close_all();
    disk_free(&disk);
}

TEST(attributes)
{
    const struct timespec times[2] = { { 5, 6 }, { -7, 8 } };
    struct stat st;
    char buf[16];

    begin();
    CHECK_EQ(ops->mknod("/f", S_IFREG | 0600, 0), 0);
    CHECK_EQ(ops->chmod("/f", 04755, NULL), 0);
    CHECK_EQ(ops->chown("/f", 70000, (gid_t)-1, NULL), 0);
    CHECK_EQ(ops->utimens("/f", times, NULL), 0);
    CHECK_EQ(ops->getattr("/f", &st, NULL), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 04755);
    CHECK_EQ(st.st_uid, 70000);
    CHECK_EQ(st.st_gid, 0);
    CHECK_EQ(st.st_atim.tv_sec, 5);
    CHECK_EQ(st.st_mtim.tv_sec, -7);
    CHECK_EQ(st.st_mtim.tv_nsec, 8);
    CHECK_EQ(ops->setxattr("/f", "user.a", "value", 5, XATTR_REPLACE), -ENODATA);
    CHECK_EQ(ops->setxattr("/f", "user.a", "value", 5, 0), 0);
    CHECK_EQ(ops->getxattr("/f", "user.a", buf, sizeof(buf)), 5);
    CHECK_EQ(ops->listxattr("/f", NULL, 0), 7);
    CHECK_EQ(ops->removexattr("/f", "user.a"), 0);
    CHECK_EQ(ops->getxattr("/f", "user.a", buf, sizeof(buf)), -ENODATA);
    CHECK(sound());
    close_all();
    disk_free(&disk);
}

TEST(full_and_read_only)
{
    static char buf[1 << 20];
    struct statvfs st;
    off_t at = 0;
    int n;

    begin();
    CHECK_EQ(ops->mknod("/big", S_IFREG | 0600, 0), 0);
    while ((n = ops->write("/big", buf, sizeof(buf), at, NULL)) > 0)
        at += n;
    CHECK_EQ(n, -ENOSPC);
    CHECK(at > (60 << 20));
    CHECK_EQ(ops->statfs("/", &st), 0);
    CHECK_EQ(st.f_bfree, 0);
    CHECK_EQ(ops->unlink("/big"), 0);
    CHECK_EQ(ops->mknod("/f", S_IFREG | 0600, 0), 0);
    CHECK_EQ(ops->write("/f", "x", 1, 0, NULL), 1);
    CHECK(sound());
    close_all();
    open_all(true);
    CHECK_EQ(size_of("/f"), 1);
    CHECK_EQ(ops->write("/f", "y", 1, 0, NULL), -EROFS);
    CHECK_EQ(ops->truncate("/f", 0, NULL), -EROFS);
    CHECK_EQ(ops->mkdir("/d", 0755), -EROFS);
    CHECK_EQ(ops->unlink("/f"), -EROFS);
    CHECK_EQ(ops->rename("/f", "/g", 0), -EROFS);
    CHECK_EQ(ops->link("/f", "/g"), -EROFS);
    CHECK_EQ(ops->chmod("/f", 0, NULL), -EROFS);
    CHECK_EQ(ops->setxattr("/f", "user.a", "", 0, 0), -EROFS);
    close_all();
    disk_free(&disk);
}
