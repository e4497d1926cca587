// SPDX-License-Identifier: BSD-3-Clause
#include "libos/host/hostfile.h"
#include "base/fmt.h"
#include "base/string.h"
#include "trusted/ocall.h"

enum { OMIT_TIME = (1 << 30) - 2 }; // UTIME_OMIT of utimensat(2), which no kernel header has
enum { HANDLE_FLAGS = O_PATH | O_NOFOLLOW | O_CLOEXEC, NSEC = 1000000000 };

// The host's name of the object behind a handle: resolving it leads to that object whatever happened to its names.
static const char *self_path(char buf[32], int handle)
{
    fmt_format(buf, 32, "/proc/self/fd/%d", handle);
    return buf;
}

int hostfile_open_root(const char *path)
{
    return (int)ocall_open(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}
int hostfile_lookup(int dir, const char *name) { return (int)ocall_open(dir, name, HANDLE_FLAGS, 0); }

int hostfile_reopen(int handle, u32 flags)
{
    char path[32];
    return (int)ocall_open(AT_FDCWD, self_path(path, handle),
                           (flags & (O_ACCMODE | O_DIRECTORY)) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

int hostfile_open(int dir, const char *name, u32 flags)
{
    return (int)ocall_open(dir, name, flags | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
}

void hostfile_close(int fd) { ocall_close(fd); }

static bool time_valid(const struct host_timespec *ts)
{
    return ts->nsec >= 0 && ts->nsec < NSEC && ts->sec > INT64_MIN / NSEC && ts->sec < INT64_MAX / NSEC;
}

static bool stat_valid(const struct host_stat *st)
{
    return st->size <= INT64_MAX && time_valid(&st->atime) && time_valid(&st->mtime) && time_valid(&st->ctime);
}

int hostfile_stat(int handle, struct host_stat *ret_stat)
{
    struct host_stat st;
    int err = (int)ocall_fstatat(handle, "", &st, AT_EMPTY_PATH);
    if (err)
        return err;
    if (!stat_valid(&st))
        return -EIO;
    *ret_stat = st;
    return 0;
}

int hostfile_find(int dir, const char *name, bool folder, struct host_stat *ret_stat)
{
    u32 flags = folder ? O_PATH | O_DIRECTORY | O_CLOEXEC : (u32)HANDLE_FLAGS;
    int handle = (int)ocall_open_stat(dir, name, flags, 0, ret_stat);
    if (handle < 0 || stat_valid(ret_stat))
        return handle;
    hostfile_close(handle);
    return -EIO;
}

int hostfile_statfs(int handle, struct statfs *ret_statfs)
{
    struct host_statfs st;
    int err = (int)ocall_fstatfs(handle, &st);
    if (err)
        return err;
    if (!st.bsize || st.bsize > MIB(1))
        return -EIO;
    memset(ret_statfs, 0, sizeof(*ret_statfs));
    ret_statfs->f_type = (long)st.type;
    ret_statfs->f_bsize = ret_statfs->f_frsize = (long)st.bsize;
    ret_statfs->f_blocks = (long)st.blocks;
    ret_statfs->f_bfree = (long)st.bfree;
    ret_statfs->f_bavail = (long)st.bavail;
    ret_statfs->f_files = (long)st.files;
    ret_statfs->f_ffree = (long)st.ffree;
    ret_statfs->f_namelen = (long)MIN(st.namelen, 255ul);
    return 0;
}

long hostfile_readlink(int handle, char *buf, size_t size)
{
    return ocall_readlink(handle, "", (u8 *)buf, MIN(size, 4096ul));
}

long hostfile_read(int fd, u64 offset, void *buf, size_t size)
{
    return offset > INT64_MAX ? -EINVAL : ocall_pread(fd, buf, MIN(size, (size_t)HOSTFILE_CHUNK), (s64)offset);
}

long hostfile_write(int fd, u64 offset, const void *buf, size_t size)
{
    return offset > INT64_MAX ? -EFBIG : ocall_pwrite(fd, buf, MIN(size, (size_t)HOSTFILE_CHUNK), (s64)offset);
}

long hostfile_getdents(int fd, u64 position, void *buf, size_t size)
{
    s64 at = ocall_lseek(fd, (s64)position, SEEK_SET);
    return at < 0 ? at : ocall_getdents(fd, buf, MIN(size, (size_t)HOSTFILE_CHUNK));
}

int hostfile_truncate(int fd, u64 size) { return size > INT64_MAX ? -EFBIG : (int)ocall_ftruncate(fd, (s64)size); }

int hostfile_fallocate(int fd, u32 mode, u64 offset, u64 len)
{
    return offset > INT64_MAX || len > INT64_MAX ? -EFBIG : (int)ocall_fallocate(fd, mode, (s64)offset, (s64)len);
}

int hostfile_sync(int fd, bool data_only) { return (int)ocall_fsync(fd, data_only); }

int hostfile_lock(int fd) { return (int)ocall_lock(fd); }

s64 hostfile_seek(int fd, u64 offset, u32 whence)
{
    if (offset > INT64_MAX)
        return -ENXIO;
    s64 at = ocall_lseek(fd, (s64)offset, whence);
    return at >= 0 && (u64)at < offset ? -EIO : at;
}

int hostfile_create(int dir, const char *name, u32 mode)
{
    int fd = (int)ocall_open(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, mode);
    if (fd < 0)
        return fd;
    hostfile_close(fd);
    return 0;
}

int hostfile_tmpfile(int dir, u32 mode, bool linkable)
{
    return (int)ocall_open(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | (linkable ? 0u : O_EXCL), mode);
}

int hostfile_mkdir(int dir, const char *name, u32 mode) { return (int)ocall_mkdir(dir, name, mode); }
int hostfile_symlink(int dir, const char *name, const char *target) { return (int)ocall_symlink(target, dir, name); }

int hostfile_link(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
    return (int)ocall_link(old_dir, old_name, new_dir, new_name);
}

int hostfile_link_handle(int handle, int new_dir, const char *new_name)
{
    char path[32];
    return (int)ocall_link(AT_FDCWD, self_path(path, handle), new_dir, new_name);
}

int hostfile_unlink(int dir, const char *name, bool directory)
{
    return (int)ocall_unlink(dir, name, directory ? AT_REMOVEDIR : 0);
}

int hostfile_rename(int old_dir, const char *old_name, int new_dir, const char *new_name, u32 flags)
{
    return (int)ocall_rename(old_dir, old_name, new_dir, new_name, flags);
}

int hostfile_chmod(int handle, u32 mode)
{
    char path[32];
    return (int)ocall_fchmodat(AT_FDCWD, self_path(path, handle), mode & 07777);
}

int hostfile_chown(int handle, u32 uid, u32 gid) { return (int)ocall_fchownat(handle, "", uid, gid, AT_EMPTY_PATH); }

static struct host_timespec to_host_time(s64 ns)
{
    if (ns == INT64_MIN)
        return (struct host_timespec){ 0, OMIT_TIME };
    s64 sec = ns / NSEC, rest = ns % NSEC;
    return rest < 0 ? (struct host_timespec){ sec - 1, rest + NSEC } : (struct host_timespec){ sec, rest };
}

int hostfile_set_times(int handle, s64 atime, s64 mtime)
{
    struct host_timespec times[2] = { to_host_time(atime), to_host_time(mtime) };
    return (int)ocall_utimensat(handle, "", times, 2, AT_EMPTY_PATH);
}
