// SPDX-License-Identifier: BSD-3-Clause
// Open files and directories of hostfs.
#include "base/string.h"
#include "libos/fs/hostfs_node.h"
#include "libos/fs/mapped.h"
#include "libos/mem/heap.h"

// Head of a linux_dirent64 record; the name follows.
struct dirent_head {
    u64 ino, next;
    u16 size;
    u8 type;
};
enum { DIRENT_NAME = 19, DIRENT_BUFFER = 16 << 10 };

static int data_fd(const struct file *file) { return (int)(s64)file->private; }

static long read_some(struct file *file, struct uio *uio, u64 *offset, u8 *buf, size_t n)
{
    struct hostfs_node *node = hostfs_node_of(file->inode);
    long moved = mapped_read(file->inode, uio, *offset, n);
    if (moved == 0)
        return uio_fault_in(uio, n, true) ? -EFAULT : read_some(file, uio, offset, buf, n);
    if (moved == -ENOENT) {
        // Up to the next page only, if some pages of the file may be in memory.
        size_t most = READ_ONCE(node->inode.object) ? MIN(n, PAGE_SIZE - (*offset & PAGE_MASK)) : n;
        moved = hostfile_read(data_fd(file), *offset, buf, most);
        if (moved > 0)
            moved = uio_put_some(uio, buf, (size_t)moved);
    }
    *offset += moved > 0 ? (u64)moved : 0;
    return moved == -ENODATA ? 0 : moved;
}

static long write_some(struct file *file, struct uio *uio, u64 *offset, u8 *buf, size_t n)
{
    long taken = uio_take_some(uio, buf, n);
    if (taken < 0)
        return taken;
    mutex_lock(&file->inode->lock);
    long moved = mapped_reaching(file->inode, *offset);
    if (!moved)
        moved = hostfile_write(data_fd(file), *offset, buf, (size_t)taken);
    if (moved > 0)
        mapped_written(file->inode, *offset, buf, (size_t)moved);
    mutex_unlock(&file->inode->lock);
    *offset += moved > 0 ? (u64)moved : 0;
    return moved;
}

typedef long (*move_some)(struct file *file, struct uio *uio, u64 *offset, u8 *buf, size_t n);

static long move_data(struct file *file, struct uio *uio, u64 *offset, move_some some)
{
    size_t pages = DIV_ROUND_UP(MIN(uio->left, (size_t)HOSTFILE_CHUNK), PAGE_SIZE), done = 0;
    long n = 0;

    if (!pages)
        return 0;
    u8 *buf = kpages_alloc(pages);
    if (!buf)
        return -ENOMEM;
    while (uio->left) {
        size_t want = MIN(uio->left, pages * PAGE_SIZE);
        n = some(file, uio, offset, buf, want);
        if (n <= 0)
            break;
        done += (size_t)n;
        if ((size_t)n < want && !READ_ONCE(file->inode->object))
            break;
    }
    kpages_free(buf, pages);
    return done ? (long)done : n;
}

static long read_file(struct file *file, struct uio *uio, u64 *offset)
{
    return move_data(file, uio, offset, read_some);
}

// Writes n bytes behind the end of the file. Appends of this LibOS do not overwrite one another; what the host appends
// meanwhile is out of its reach. The inode is locked.
static long append_bytes(struct file *file, u64 *offset, const u8 *buf, size_t n)
{
    struct kstat st;
    long moved = file->inode->ops->getattr(file->inode, &st);
    if (!moved) {
        *offset = st.size;
        moved = hostfile_write(data_fd(file), *offset, buf, n);
    }
    if (moved > 0)
        mapped_written(file->inode, *offset, buf, (size_t)moved);
    *offset += moved > 0 ? (u64)moved : 0;
    return moved;
}

// As much as the caller's memory gives without a fault, which may be nothing after all.
static long append_some(struct file *file, struct uio *uio, u64 *offset, u8 *buf, size_t n)
{
    int err = uio_fault_in(uio, n, false);
    if (err)
        return err;
    mutex_lock(&file->inode->lock);
    size_t taken = uio_take_nofault(uio, buf, n), done = 0;
    long moved = 1;
    while (done < taken && moved > 0) {
        moved = append_bytes(file, offset, buf + done, taken - done);
        done += moved > 0 ? (size_t)moved : 0;
    }
    mutex_unlock(&file->inode->lock);
    if (done == taken || moved < 0)
        return done == taken ? (long)done : moved;
    return -EIO; // the host takes no more
}

static long append_file(struct file *file, struct uio *uio, u64 *offset)
{
    size_t done = 0;
    long n = 0;
    u8 *buf = kpages_alloc(HOSTFILE_CHUNK / PAGE_SIZE);
    if (!buf)
        return -ENOMEM;
    while (uio->left && n >= 0) {
        n = append_some(file, uio, offset, buf, MIN(uio->left, (size_t)HOSTFILE_CHUNK));
        done += n > 0 ? (size_t)n : 0;
    }
    kpages_free(buf, HOSTFILE_CHUNK / PAGE_SIZE);
    return done ? (long)done : n;
}

static long write_file(struct file *file, struct uio *uio, u64 *offset)
{
    return file->flags & O_APPEND ? append_file(file, uio, offset) : move_data(file, uio, offset, write_some);
}

static int fallocate(struct file *file, int mode, u64 offset, u64 len)
{
    return hostfile_fallocate(data_fd(file), (u32)mode, offset, len);
}
static int fsync(struct file *file)
{
    int err = inode_write_back(file->inode, 0, UINT64_MAX);
    return err ? err : hostfile_sync(data_fd(file), false);
}
static s64 seek_data(struct file *file, u64 offset, bool hole)
{
    return hostfile_seek(data_fd(file), offset, hole ? SEEK_HOLE : SEEK_DATA);
}
static void release(struct file *file) { hostfile_close(data_fd(file)); }

// Checks the record at buf[at] of a block of n bytes and tells its name. False: the host sent garbage.
static bool take_record(const u8 *buf, size_t n, size_t at, struct dirent_head *head, size_t *ret_len)
{
    if (n - at < DIRENT_NAME + 2)
        return false;
    memcpy(head, buf + at, DIRENT_NAME);
    if (head->size < DIRENT_NAME + 2 || head->size > n - at || head->next > INT64_MAX)
        return false;
    const char *name = (const char *)buf + at + DIRENT_NAME;
    *ret_len = strnlen(name, head->size - DIRENT_NAME);
    return *ret_len > 0 && *ret_len <= 255 && *ret_len < (size_t)head->size - DIRENT_NAME &&
           !memchr(name, '/', *ret_len);
}

// -EIO for a malformed block; 1 when the caller's buffer is full; 0 to go on.
static int emit_block(struct dir_sink *sink, const u8 *buf, size_t n, u64 *position)
{
    struct dirent_head head;
    size_t len;

    for (size_t at = 0; at < n; at += head.size) {
        if (!take_record(buf, n, at, &head, &len))
            return -EIO;
        if (sink->emit(sink, (const char *)buf + at + DIRENT_NAME, len, head.ino, head.type & 15, head.next))
            return 1;
        *position = head.next;
    }
    return 0;
}

static int getdents(struct file *file, struct dir_sink *sink, u64 *position)
{
    if (READ_ONCE(hostfs_node_of(file->inode)->removed))
        return -ENOENT;
    u8 *buf = kpages_alloc(DIRENT_BUFFER / PAGE_SIZE);
    if (!buf)
        return -ENOMEM;
    int stop = 0;
    while (!stop) {
        u64 before = *position;
        long n = hostfile_getdents(data_fd(file), before, buf, DIRENT_BUFFER);
        stop = n > 0 ? emit_block(sink, buf, (size_t)n, position) : n < 0 ? (int)n : 1;
        if (!stop && *position == before)
            stop = -EIO; // the host never gets on
    }
    kpages_free(buf, DIRENT_BUFFER / PAGE_SIZE);
    return stop < 0 ? stop : 0;
}

static const struct file_ops regular_ops = {
    .read = read_file,
    .write = write_file,
    .fallocate = fallocate,
    .fsync = fsync,
    .seek_data = seek_data,
    .release = release,
};
static const struct file_ops directory_ops = { .getdents = getdents, .fsync = fsync, .release = release };

int hostfs_open(struct inode *inode, struct file *file)
{
    bool directory = inode_is_dir(inode);
    // Devices, FIFOs and sockets of the host are not for programs in the enclave.
    if (!directory && !S_ISREG(inode->mode))
        return -ENXIO;
    int fd =
        hostfile_reopen(hostfs_node_of(inode)->handle, directory ? O_RDONLY | O_DIRECTORY : file->flags & O_ACCMODE);
    if (fd < 0)
        return fd;
    file->private = (void *)(s64)fd;
    file->ops = directory ? &directory_ops : &regular_ops;
    return 0;
}
