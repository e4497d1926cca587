// SPDX-License-Identifier: BSD-3-Clause
// Host calls on descriptors and files. They do what the enclave asks and report what the kernel says; the enclave
// believes none of it without a check. Runs with the program's %fs: see threads.h. On x86-64 libc's struct stat and
// struct statfs are the kernel's.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "loader/ocall_handlers.h"
#include "platform/raw.h"

s64 host_open(struct host_thread *self, int dirfd, const char *path, u32 flags, u32 mode)
{
    return RAW(SYS_openat, dirfd, path, flags | O_CLOEXEC, mode);
}

s64 host_open_stat(struct host_thread *self, int dirfd, const char *path, u32 flags, u32 mode, struct host_stat *out)
{
    s64 fd = host_open(self, dirfd, path, flags, mode);
    s64 err = fd >= 0 ? host_fstat(self, (int)fd, out) : fd;
    if (fd >= 0 && err)
        RAW(SYS_close, fd);
    return err ? err : fd;
}

s64 host_close(struct host_thread *self, int fd) { return RAW(SYS_close, fd); }
s64 host_read(struct host_thread *self, int fd, void *buf, size_t len) { return RAW(SYS_read, fd, buf, len); }
s64 host_write(struct host_thread *self, int fd, const void *buf, size_t len) { return RAW(SYS_write, fd, buf, len); }
s64 host_pread(struct host_thread *self, int fd, void *buf, size_t len, s64 offset)
{
    return RAW(SYS_pread64, fd, buf, len, offset);
}
s64 host_pwrite(struct host_thread *self, int fd, const void *buf, size_t len, s64 offset)
{
    return RAW(SYS_pwrite64, fd, buf, len, offset);
}
s64 host_lseek(struct host_thread *self, int fd, s64 offset, u32 whence) { return RAW(SYS_lseek, fd, offset, whence); }

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

s64 host_fstat(struct host_thread *self, int fd, struct host_stat *out)
{
    struct stat st;
    s64 err = RAW(SYS_fstat, fd, &st);
    if (err)
        return err;
    to_host_stat(&st, out);
    return 0;
}

s64 host_fstatat(struct host_thread *self, int dirfd, const char *path, struct host_stat *out, u32 flags)
{
    struct stat st;
    s64 err = RAW(SYS_newfstatat, dirfd, path, &st, flags);
    if (err)
        return err;
    to_host_stat(&st, out);
    return 0;
}

s64 host_getdents(struct host_thread *self, int fd, void *buf, size_t len) { return RAW(SYS_getdents64, fd, buf, len); }
s64 host_readlink(struct host_thread *self, int dirfd, const char *path, void *buf, size_t len)
{
    return RAW(SYS_readlinkat, dirfd, path, buf, len);
}
s64 host_mkdir(struct host_thread *self, int dirfd, const char *path, u32 mode)
{
    return RAW(SYS_mkdirat, dirfd, path, mode);
}
s64 host_unlink(struct host_thread *self, int dirfd, const char *path, u32 flags)
{
    return RAW(SYS_unlinkat, dirfd, path, flags);
}

s64 host_rename(struct host_thread *self, int olddirfd, const char *oldpath, int newdirfd, const char *newpath,
                u32 flags)
{
    return RAW(SYS_renameat2, olddirfd, oldpath, newdirfd, newpath, flags);
}

s64 host_link(struct host_thread *self, int olddirfd, const char *oldpath, int newdirfd, const char *newpath)
{
    // Without a folder it is a name of /proc/self/fd, whose target is meant.
    return RAW(SYS_linkat, olddirfd, oldpath, newdirfd, newpath, olddirfd == AT_FDCWD ? AT_SYMLINK_FOLLOW : 0);
}

s64 host_symlink(struct host_thread *self, const char *target, int dirfd, const char *path)
{
    return RAW(SYS_symlinkat, target, dirfd, path);
}
s64 host_ftruncate(struct host_thread *self, int fd, s64 len) { return RAW(SYS_ftruncate, fd, len); }
s64 host_fallocate(struct host_thread *self, int fd, u32 mode, s64 offset, s64 len)
{
    return RAW(SYS_fallocate, fd, mode, offset, len);
}
s64 host_fsync(struct host_thread *self, int fd, u32 dataonly) { return RAW(dataonly ? SYS_fdatasync : SYS_fsync, fd); }
s64 host_lock(struct host_thread *self, int fd) { return RAW(SYS_flock, fd, LOCK_EX | LOCK_NB); }
s64 host_fchmodat(struct host_thread *self, int dirfd, const char *path, u32 mode)
{
    return RAW(SYS_fchmodat, dirfd, path, mode);
}

s64 host_fchownat(struct host_thread *self, int dirfd, const char *path, u32 uid, u32 gid, u32 flags)
{
    return RAW(SYS_fchownat, dirfd, path, uid, gid, flags);
}

s64 host_utimensat(struct host_thread *self, int dirfd, const char *path, const struct host_timespec *times, size_t n,
                   u32 flags)
{
    struct timespec ts[2];
    if (n != 2)
        return -EINVAL;
    for (int i = 0; i < 2; i++)
        ts[i] = (struct timespec){ times[i].sec, times[i].nsec };
    return RAW(SYS_utimensat, dirfd, path, ts, flags);
}

s64 host_fstatfs(struct host_thread *self, int fd, struct host_statfs *out)
{
    struct statfs st;
    s64 err = RAW(SYS_fstatfs, fd, &st);
    if (err)
        return err;
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
s64 host_tty_ioctl(struct host_thread *self, int fd, u32 cmd, const void *arg_in, size_t in_len, void *arg_out,
                   size_t out_len)
{
    char buf[256] = { 0 };
    if (in_len > sizeof(buf) || out_len > sizeof(buf))
        return -EINVAL;
    __builtin_memcpy(buf, arg_in, in_len);
    s64 r = RAW(SYS_ioctl, fd, cmd, buf);
    if (r >= 0)
        __builtin_memcpy(arg_out, buf, out_len);
    return r;
}
