// SPDX-License-Identifier: BSD-3-Clause
// Host calls on descriptors and files. They do what the enclave asks and report what the kernel says; the enclave
// believes none of it without a check.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader/ocall_handlers.h"

static s64 result(long r) { return r < 0 ? -errno : r; }

s64 host_open(int dirfd, const char *path, u32 flags, u32 mode)
{
    return result(openat(dirfd, path, (int)flags | O_CLOEXEC, mode));
}

s64 host_close(int fd) { return result(close(fd)); }
s64 host_read(int fd, void *buf, size_t len) { return result(read(fd, buf, len)); }
s64 host_write(int fd, const void *buf, size_t len) { return result(write(fd, buf, len)); }
s64 host_pread(int fd, void *buf, size_t len, s64 offset) { return result(pread(fd, buf, len, offset)); }
s64 host_pwrite(int fd, const void *buf, size_t len, s64 offset) { return result(pwrite(fd, buf, len, offset)); }
s64 host_lseek(int fd, s64 offset, u32 whence) { return result(lseek(fd, offset, (int)whence)); }

static struct host_timespec to_host_time(struct timespec ts) { return (struct host_timespec){ ts.tv_sec, ts.tv_nsec }; }

static void to_host_stat(const struct stat *st, struct host_stat *out)
{
    *out = (struct host_stat){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .nlink = st->st_nlink,
        .rdev = st->st_rdev,
        .size = (u64)st->st_size,
        .blksize = (u64)st->st_blksize,
        .blocks = (u64)st->st_blocks,
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .atime = to_host_time(st->st_atim),
        .mtime = to_host_time(st->st_mtim),
        .ctime = to_host_time(st->st_ctim),
    };
}

s64 host_fstat(int fd, struct host_stat *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    to_host_stat(&st, out);
    return 0;
}

s64 host_fstatat(int dirfd, const char *path, struct host_stat *out, u32 flags)
{
    struct stat st;
    if (fstatat(dirfd, path, &st, (int)flags) != 0)
        return -errno;
    to_host_stat(&st, out);
    return 0;
}

s64 host_getdents(int fd, void *buf, size_t len) { return result(syscall(SYS_getdents64, fd, buf, len)); }
s64 host_readlink(int dirfd, const char *path, void *buf, size_t len)
{
    return result(readlinkat(dirfd, path, buf, len));
}
s64 host_mkdir(int dirfd, const char *path, u32 mode) { return result(mkdirat(dirfd, path, mode)); }
s64 host_unlink(int dirfd, const char *path, u32 flags) { return result(unlinkat(dirfd, path, (int)flags)); }

s64 host_rename(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, u32 flags)
{
    return result(renameat2(olddirfd, oldpath, newdirfd, newpath, flags));
}

s64 host_link(int olddirfd, const char *oldpath, int newdirfd, const char *newpath)
{
    return result(linkat(olddirfd, oldpath, newdirfd, newpath, 0));
}

s64 host_symlink(const char *target, int dirfd, const char *path) { return result(symlinkat(target, dirfd, path)); }
s64 host_ftruncate(int fd, s64 len) { return result(ftruncate(fd, len)); }
s64 host_fallocate(int fd, u32 mode, s64 offset, s64 len) { return result(fallocate(fd, (int)mode, offset, len)); }
s64 host_fsync(int fd, u32 dataonly) { return result(dataonly ? fdatasync(fd) : fsync(fd)); }
s64 host_fchmodat(int dirfd, const char *path, u32 mode) { return result(fchmodat(dirfd, path, mode, 0)); }

s64 host_fchownat(int dirfd, const char *path, u32 uid, u32 gid, u32 flags)
{
    return result(fchownat(dirfd, path, uid, gid, (int)flags));
}

s64 host_utimensat(int dirfd, const char *path, const struct host_timespec *times, size_t n, u32 flags)
{
    struct timespec ts[2];
    if (n != 2)
        return -EINVAL;
    for (int i = 0; i < 2; i++)
        ts[i] = (struct timespec){ times[i].sec, times[i].nsec };
    return result(utimensat(dirfd, path, ts, (int)flags));
}

s64 host_fstatfs(int fd, struct host_statfs *out)
{
    struct statfs st;
    if (fstatfs(fd, &st) != 0)
        return -errno;
    *out = (struct host_statfs){
        .type = (u64)st.f_type,
        .bsize = (u64)st.f_bsize,
        .blocks = st.f_blocks,
        .bfree = st.f_bfree,
        .bavail = st.f_bavail,
        .files = st.f_files,
        .ffree = st.f_ffree,
        .namelen = (u64)st.f_namelen,
        .flags = (u64)st.f_flags,
    };
    return 0;
}

// Terminal requests carry their structure in one direction at a time; in and out may be the same buffer to the kernel.
s64 host_tty_ioctl(int fd, u32 cmd, const void *arg_in, size_t in_len, void *arg_out, size_t out_len)
{
    char buf[256] = { 0 };
    if (in_len > sizeof(buf) || out_len > sizeof(buf))
        return -EINVAL;
    __builtin_memcpy(buf, arg_in, in_len);
    long r = ioctl(fd, cmd, buf);
    if (r < 0)
        return -errno;
    __builtin_memcpy(arg_out, buf, out_len);
    return r;
}
