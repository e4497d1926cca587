// SPDX-License-Identifier: BSD-3-Clause
// The host calls of files, served by the host that runs the test. A hook lets a test lie.
#include <errno.h>
#include <sys/file.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_ocalls.h"
#include "trusted/ocall.h"

void (*fake_stat_lie)(struct host_stat *st);
long (*fake_getdents_lie)(void *buf, size_t size);
void (*fake_events_lie)(struct host_event *events, int count);

static s64 result(long r) { return r < 0 ? -errno : r; }

static struct host_timespec to_time(struct timespec ts) { return (struct host_timespec){ ts.tv_sec, ts.tv_nsec }; }

static s64 stat_result(int err, const struct stat *st, struct host_stat *out)
{
    if (err)
        return -errno;
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
        .atime = to_time(st->st_atim),
        .mtime = to_time(st->st_mtim),
        .ctime = to_time(st->st_ctim),
    };
    if (fake_stat_lie)
        fake_stat_lie(out);
    return 0;
}

s64 ocall_open(int dirfd, const char *path, u32 flags, u32 mode)
{
    return result(openat(dirfd, path, (int)flags, mode));
}
s64 ocall_close(int fd) { return result(close(fd)); }
s64 ocall_read(int fd, void *buf, size_t len) { return result(read(fd, buf, len)); }
s64 ocall_write(int fd, const void *buf, size_t len) { return result(write(fd, buf, len)); }
s64 ocall_pread(int fd, void *buf, size_t len, s64 offset) { return result(pread(fd, buf, len, offset)); }
s64 ocall_pwrite(int fd, const void *buf, size_t len, s64 offset) { return result(pwrite(fd, buf, len, offset)); }
s64 ocall_lseek(int fd, s64 offset, u32 whence) { return result(lseek(fd, offset, (int)whence)); }

s64 ocall_fstat(int fd, struct host_stat *out)
{
    struct stat st;
    return stat_result(fstat(fd, &st), &st, out);
}

s64 ocall_open_stat(int dirfd, const char *path, u32 flags, u32 mode, struct host_stat *out)
{
    s64 fd = ocall_open(dirfd, path, flags, mode);
    s64 err = fd < 0 ? fd : ocall_fstat((int)fd, out);
    if (fd >= 0 && err)
        close((int)fd);
    return err ? err : fd;
}

s64 ocall_fstatat(int dirfd, const char *path, struct host_stat *out, u32 flags)
{
    struct stat st;
    return stat_result(fstatat(dirfd, path, &st, (int)flags), &st, out);
}

s64 ocall_getdents(int fd, void *buf, size_t len)
{
    return fake_getdents_lie ? fake_getdents_lie(buf, len) : result(syscall(SYS_getdents64, fd, buf, len));
}

s64 ocall_readlink(int dirfd, const char *path, void *buf, size_t len)
{
    return result(readlinkat(dirfd, path, (char *)buf, len));
}
s64 ocall_mkdir(int dirfd, const char *path, u32 mode) { return result(mkdirat(dirfd, path, mode)); }
s64 ocall_unlink(int dirfd, const char *path, u32 flags) { return result(unlinkat(dirfd, path, (int)flags)); }
s64 ocall_rename(int olddir, const char *oldpath, int newdir, const char *newpath, u32 flags)
{
    return result(renameat2(olddir, oldpath, newdir, newpath, flags));
}
s64 ocall_link(int olddir, const char *oldpath, int newdir, const char *newpath)
{
    return result(linkat(olddir, oldpath, newdir, newpath, 0));
}
s64 ocall_symlink(const char *target, int dirfd, const char *path) { return result(symlinkat(target, dirfd, path)); }
s64 ocall_ftruncate(int fd, s64 len) { return result(ftruncate(fd, len)); }
s64 ocall_fallocate(int fd, u32 mode, s64 offset, s64 len) { return result(fallocate(fd, (int)mode, offset, len)); }
s64 ocall_lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0; }
s64 ocall_fsync(int fd, u32 dataonly) { return result(dataonly ? fdatasync(fd) : fsync(fd)); }
s64 ocall_fchmodat(int dirfd, const char *path, u32 mode) { return result(fchmodat(dirfd, path, mode, 0)); }
s64 ocall_fchownat(int dirfd, const char *path, u32 uid, u32 gid, u32 flags)
{
    return result(fchownat(dirfd, path, uid, gid, (int)flags));
}

s64 ocall_utimensat(int dirfd, const char *path, const struct host_timespec *times, size_t n, u32 flags)
{
    struct timespec ts[2] = { { times[0].sec, times[0].nsec }, { times[1].sec, times[1].nsec } };
    return result(syscall(SYS_utimensat, dirfd, path, ts, flags));
}

s64 ocall_fstatfs(int fd, struct host_statfs *out)
{
    struct statfs st;
    if (fstatfs(fd, &st))
        return -errno;
    *out = (struct host_statfs){ .type = (u64)st.f_type,
                                 .bsize = (u64)st.f_bsize,
                                 .blocks = st.f_blocks,
                                 .bfree = st.f_bfree,
                                 .bavail = st.f_bavail,
                                 .files = st.f_files,
                                 .ffree = st.f_ffree,
                                 .namelen = (u64)st.f_namelen };
    return 0;
}

s64 ocall_tty_ioctl(int fd, u32 cmd, const void *in, size_t in_len, void *out, size_t out_len) { return -ENOTTY; }
s64 ocall_get_affinity(void *mask, size_t len)
{
    memset(mask, 0, len);
    *(u8 *)mask = 3;
    return 1;
}

static int host_epoll(void)
{
    static int fd = -1;
    if (fd < 0)
        fd = epoll_create1(EPOLL_CLOEXEC);
    return fd;
}

s64 ocall_poll_register(int fd, u64 cookie)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET, .data.u64 = cookie };
    struct pollfd now = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };
    if (epoll_ctl(host_epoll(), EPOLL_CTL_ADD, fd, &event) && errno != EEXIST)
        return -errno;
    epoll_ctl(host_epoll(), EPOLL_CTL_MOD, fd, &event);
    return result(poll(&now, 1, 0)) < 0 ? -errno : now.revents;
}

s64 ocall_poll_wait(void *batch, size_t len, s64 timeout_ns)
{
    struct epoll_event got[64];
    struct host_event *events = batch;
    size_t n = len / sizeof(*events);
    // No wake-up reaches this wait: it ends by itself and the caller looks again.
    int count = epoll_wait(host_epoll(), got, (int)(n < 64 ? n : 64),
                           timeout_ns < 0 || timeout_ns > 10000000 ? 10 : (int)(timeout_ns / 1000000));
    for (int i = 0; i < count; i++)
        events[i] = (struct host_event){ .cookie = got[i].data.u64, .events = got[i].events };
    if (fake_events_lie)
        fake_events_lie(events, count);
    return count < 0 ? -errno : count * (s64)sizeof(*events);
}
