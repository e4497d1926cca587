// SPDX-License-Identifier: BSD-3-Clause
// hostfs and procfs.
#include "test.h"

#include "base/string.h"
#include "fake_kernel.h"
#include "fake_ocalls.h"
#include "libos/fs/hostfs.h"
#include "libos/fs/memfs.h"
#include "libos/fs/procfs.h"
#include "libos/syscall/prototypes.h"
#include "model.h"

static bool mount_at(const char *path, int (*create)(struct inode **))
{
    struct inode *root, *dir;
    if (sys_mkdir(path, 0755) || path_inode(AT_FDCWD, path, 0, &dir) || create(&root))
        return false;
    root->covered = dir;
    dir->mounted = root;
    return true;
}

static int create_hostfs(struct inode **ret_root) { return hostfs_create("/share", ret_root); }

// A host directory /share inside the model's confinement, with a link that leads out of it and a file outside.
static bool start(void)
{
    static int state;
    if (!state)
        state = model_start(true) ? 1 : -1;
    model_call(__NR_mkdir, (u64) "/share", 0755, 0, 0, 0);
    model_call(__NR_mkdir, (u64) "/share/sub", 0755, 0, 0, 0);
    model_call(__NR_symlink, (u64) "/secret", (u64) "/share/out", 0, 0, 0);
    model_call(__NR_symlink, (u64) "../../secret", (u64) "/share/sub/up", 0, 0, 0);
    long fd = model_call(__NR_open, (u64) "/secret", O_CREAT | O_WRONLY, 0600, 0, 0);
    model_call(__NR_write, (u64)fd, (u64) "host", 4, 0, 0);
    model_call(__NR_close, (u64)fd, 0, 0, 0, 0);
    fake_boot(NULL, 0);
    return state > 0 && mount_at("/h", create_hostfs);
}

TEST(hostfs_reads_writes_and_names)
{
    char buf[64] = { 0 };
    struct stat st;
    CHECK(start());
    int fd = (int)sys_open("/h/f", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0);
    CHECK_EQ(sys_write(fd, "hello world", 11), 11);
    CHECK_EQ(sys_pread64(fd, buf, 64, 6), 5);
    CHECK_EQ(memcmp(buf, "world", 5), 0);
    CHECK_EQ(sys_ftruncate(fd, 5), 0);
    CHECK_EQ(sys_fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 5);
    CHECK_EQ(st.st_mode, S_IFREG | 0640);
    CHECK_EQ(sys_rename("/h/f", "/h/sub/g"), 0);
    CHECK_EQ(sys_link("/h/sub/g", "/h/f2"), 0);
    CHECK_EQ(sys_stat("/h/f2", &st), 0);
    CHECK_EQ((long)st.st_nlink, 2);
    CHECK_EQ(sys_chmod("/h/f2", 0600), 0);
    CHECK_EQ(sys_fstat(fd, &st), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0600);
    CHECK_EQ(sys_unlink("/h/f2"), 0);
    CHECK_EQ(sys_unlink("/h/sub/g"), 0);
    CHECK_EQ(sys_stat("/h/sub/g", &st), -ENOENT);
    CHECK_EQ(sys_link("/fd", "/h/x"), -ENOENT);
    int own = (int)sys_open("/own", O_RDWR | O_CREAT, 0600);
    CHECK(own >= 0);
    CHECK_EQ(sys_rename("/own", "/h/own"), -EXDEV);
    CHECK_EQ(sys_link("/own", "/h/own"), -EXDEV);
    fake_shutdown();
}

TEST(hostfs_directories)
{
    char cwd[64];
    CHECK(start());
    CHECK_EQ(sys_mkdir("/h/sub/deep", 0755), 0);
    CHECK_EQ(sys_chdir("/h/sub/deep"), 0);
    CHECK_EQ(sys_getcwd(cwd, sizeof(cwd)), (long)sizeof("/h/sub/deep"));
    CHECK_STR(cwd, "/h/sub/deep");
    CHECK_EQ(sys_rename("/h/sub/deep", "/h/moved"), 0);
    CHECK(sys_getcwd(cwd, sizeof(cwd)) > 0);
    CHECK_STR(cwd, "/h/moved");
    CHECK_EQ(sys_chdir("../../h/moved/.."), 0);
    CHECK(sys_getcwd(cwd, sizeof(cwd)) > 0);
    CHECK_STR(cwd, "/h");
    CHECK_EQ(sys_rmdir("moved"), 0);
    CHECK_EQ(sys_chdir("/"), 0);
    fake_shutdown();
}

TEST(hostfs_links_stay_inside)
{
    char byte;
    CHECK(start());
    CHECK_EQ(sys_open("/h/out", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(sys_open("/h/sub/up", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(sys_open("/h/../secret", O_RDONLY, 0), -ENOENT);
    int fd = (int)sys_open("/secret", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(sys_write(fd, "L", 1), 1);
    CHECK_EQ(sys_close(fd), 0);
    fd = (int)sys_open("/h/out", O_RDONLY, 0); // the LibOS's own /secret
    CHECK_EQ(sys_read(fd, &byte, 1), 1);
    CHECK_EQ(byte, 'L');
    fake_shutdown();
}

static int create_limited(struct inode **ret_root)
{
    int err = memfs_create(NULL, 0, 01777, ret_root);
    if (!err)
        memfs_set_limit(*ret_root, 4);
    return err;
}

static long free_blocks(void)
{
    struct statfs st;
    return sys_statfs("/m", &st) == 0 && st.f_blocks == 4 ? (long)st.f_bavail : -1;
}

TEST(a_limited_memory_file_system_is_full_at_its_size)
{
    static const u8 data[6 * PAGE_SIZE];
    fake_boot(NULL, 0);
    CHECK(mount_at("/m", create_limited));
    CHECK_EQ(free_blocks(), 4);
    int a = (int)sys_open("/m/a", O_RDWR | O_CREAT, 0600), b = (int)sys_open("/m/b", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(sys_write(a, data, sizeof(data)), 4 * PAGE_SIZE); // a short count, then the error (write(2))
    CHECK_EQ(sys_write(a, data, 1), -ENOSPC);
    CHECK_EQ(sys_write(b, data, 1), -ENOSPC); // the limit is the file system's, not a file's
    CHECK_EQ(free_blocks(), 0);
    CHECK_EQ(sys_pwrite64(a, data, PAGE_SIZE, 0), PAGE_SIZE); // what is there may change
    CHECK_EQ(sys_ftruncate(a, PAGE_SIZE + 1), 0);
    CHECK_EQ(free_blocks(), 2);
    CHECK_EQ(sys_pwrite64(b, data, PAGE_SIZE, 100 * PAGE_SIZE), PAGE_SIZE); // a hole costs nothing
    CHECK_EQ(free_blocks(), 1);
    CHECK_EQ(sys_fallocate(b, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(free_blocks(), 2);
    CHECK_EQ(sys_fallocate(b, 0, 0, 5 * PAGE_SIZE), -ENOSPC);
    CHECK_EQ(sys_unlink("/m/a"), 0);
    CHECK_EQ(free_blocks(), 2); // still open
    CHECK_EQ(sys_close(a), 0);
    CHECK_EQ(free_blocks(), 4);
    CHECK_EQ(sys_close(b), 0);
    fake_shutdown();
}

static void impossible_time(struct host_stat *st) { st->mtime.nsec = 1000000000; }
static void impossible_size(struct host_stat *st) { st->size = UINT64_MAX; }
static void other_kind(struct host_stat *st) { st->mode = (st->mode & 07777) | S_IFDIR; }

TEST(hostfs_refuses_lies)
{
    struct stat st;
    u8 entries[256];
    CHECK(start());
    int fd = (int)sys_open("/h/f", O_RDWR | O_CREAT, 0600), dir = (int)sys_open("/h", O_RDONLY | O_DIRECTORY, 0);
    fake_stat_lie = impossible_time;
    CHECK_EQ(sys_fstat(fd, &st), -EIO);
    fake_stat_lie = impossible_size;
    CHECK_EQ(sys_fstat(fd, &st), -EIO);
    fake_stat_lie = other_kind;
    CHECK_EQ(sys_fstat(fd, &st), -EIO);
    fake_stat_lie = NULL;
    CHECK_EQ(sys_fstat(fd, &st), 0);
    CHECK(sys_getdents64(dir, entries, sizeof(entries)) > 0);
    sys_unlink("/h/f");
    fake_shutdown();
}

// A block of records the host made up: `garbage` of them in random bytes, cut at a random length.
static long random_block(void *buf, size_t size)
{
    size_t n = MIN(size, 24 + (size_t)(test_random() % 100));
    u8 *bytes = buf;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (u8)(test_random() % 3 ? 0 : test_random());
    bytes[16] = (u8)(test_random() % 64);
    bytes[17] = 0;
    return (long)n;
}

TEST(hostfs_survives_garbage_in_directories)
{
    u8 entries[512];
    CHECK(start());
    int dir = (int)sys_open("/h", O_RDONLY | O_DIRECTORY, 0);
    fake_getdents_lie = random_block;
    for (int i = 0; i < 20000; i++) {
        long n = sys_getdents64(dir, entries, sizeof(entries));
        CHECK(n == -EIO || n == -EINVAL || (n >= 0 && n <= (long)sizeof(entries)));
        for (long at = 0; n > 0 && at < n; at += *(u16 *)(entries + at + 16)) {
            CHECK(entries[at + 19] != '\0');
            CHECK(!strchr((char *)entries + at + 19, '/'));
        }
    }
    fake_getdents_lie = NULL;
    fake_shutdown();
}

static long read_all(const char *path, char *buf, size_t size)
{
    int fd = (int)sys_open(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    long n = sys_read(fd, buf, size - 1);
    buf[MAX(n, 0l)] = '\0';
    sys_close(fd);
    return n;
}

TEST(procfs_files_and_links)
{
    static char buf[20000];
    char link[64] = { 0 };
    fake_boot(NULL, 0);
    CHECK(mount_at("/proc", procfs_create));
    CHECK(read_all("/proc/sys/kernel/osrelease", buf, sizeof(buf)) > 0);
    CHECK_STR(buf, "6.1.0-occlum\n");
    CHECK_EQ(read_all("/proc/7/maps", buf, sizeof(buf)), 10000); // more than the first buffer
    CHECK_EQ(read_all("/proc/8/maps", buf, sizeof(buf)), -ENOENT);
    CHECK_EQ(read_all("/proc/self/nothing", buf, sizeof(buf)), -ENOENT);
    CHECK_EQ(sys_readlink("/proc/self", link, sizeof(link)), 1);
    CHECK_STR(link, "7");
    int fd = (int)sys_open("/file", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(fd, 0);
    CHECK_EQ(sys_readlink("/proc/self/fd/0", link, sizeof(link)), 5);
    CHECK_STR(link, "/file");
    CHECK_EQ(sys_write(fd, "data", 4), 4);
    CHECK_EQ(sys_unlink("/file"), 0);
    CHECK_EQ(read_all("/proc/self/fd/0", buf, sizeof(buf)), 4); // by the inode, not by the name
    CHECK_EQ(sys_open("/proc/self/fd/1", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(sys_open("/proc/self/fd/00", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(sys_open("/proc/version", O_RDWR, 0), -EACCES);
    CHECK_EQ(sys_open("/proc/new", O_RDWR | O_CREAT, 0600), -EROFS);
    CHECK_EQ(sys_chdir("/proc/sys/kernel/random"), 0);
    CHECK(sys_getcwd(buf, sizeof(buf)) > 0);
    CHECK_STR(buf, "/proc/sys/kernel/random");
    CHECK_EQ(sys_chdir("../../../7/fd"), 0);
    CHECK(sys_getcwd(buf, sizeof(buf)) > 0);
    CHECK_STR(buf, "/proc/7/fd");
    CHECK_EQ(sys_chdir("/"), 0);
    fake_shutdown();
}

// Every entry of every directory can be looked up and has the type and the number that the directory says.
static bool check_tree(char *path, int depth)
{
    u8 buf[300];
    size_t len = strlen(path);
    int fd = (int)sys_open(path, O_RDONLY | O_DIRECTORY, 0);
    long n;
    if (fd < 0)
        return false;
    while ((n = sys_getdents64(fd, buf, sizeof(buf))) > 0) {
        u8 copy[300];
        memcpy(copy, buf, sizeof(copy));
        for (long at = 0; at < n; at += *(u16 *)(copy + at + 16)) {
            const char *name = (const char *)copy + at + 19;
            struct stat st;
            if (name[0] == '.')
                continue;
            path[len] = '/';
            memcpy(path + len + 1, name, strlen(name) + 1);
            if (sys_lstat(path, &st) || (st.st_mode & S_IFMT) >> 12 != copy[at + 18] ||
                st.st_ino != *(u64 *)(copy + at)) {
                test_fail(__FILE__, __LINE__, "%s", path);
                return false;
            }
            if (S_ISDIR(st.st_mode) && depth < 6 && !check_tree(path, depth + 1))
                return false;
            path[len] = '\0';
        }
    }
    sys_close(fd);
    return n == 0;
}

TEST(procfs_directories_are_consistent)
{
    char path[400] = "/proc";
    fake_boot(NULL, 0);
    CHECK(mount_at("/proc", procfs_create));
    CHECK(check_tree(path, 0));
    fake_shutdown();
}
