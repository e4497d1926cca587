// SPDX-License-Identifier: BSD-3-Clause
// Standard streams. Reading waits in the host's poll, so that a signal ends it, then reads what is there.
#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "libos/fs/hostio.h"
#include "base/string.h"
#include "libos/fs/hostpoll.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"
#include "trusted/ocall.h"

enum { CHUNK = 64 << 10 };

// Descriptors 0, 1 and 2 of the host, which several open files may share.
enum { STREAMS = 3 };
static struct hostpoll polls[STREAMS];
static struct wait_queue readable[STREAMS], writable[STREAMS];
static bool opened[STREAMS];

static int host_fd(const struct file *file) { return (int)(s64)file->private; }
static struct hostpoll *poll_of(const struct file *file) { return &polls[host_fd(file)]; }

static u32 stream_poll(struct file *file, struct poll_table *table) { return hostpoll_events(poll_of(file), table); }

// Waits until the descriptor is ready. What a terminal or a pipe holds is the host's to know, who shares it with
// others: an earlier report says little.
static int wait_ready(struct file *file, u32 events)
{
    struct hostpoll *poll = poll_of(file);
    u32 begun = hostpoll_begin(poll);

    if (hostpoll_ask(poll) & (events | POLLERR | POLLHUP))
        return 0;
    hostpoll_clear(poll, begun, events);
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    int err = hostpoll_wait(poll, events, WAIT_FOREVER);
    return err == -EINTR ? -ERESTARTSYS : err;
}

static long read_stream(struct file *file, struct uio *uio, u64 *offset)
{
    size_t want = MIN(uio->left, (size_t)CHUNK);
    if (!want)
        return 0;
    int err = wait_ready(file, POLLIN);
    if (err)
        return err;
    u8 *buf = kpages_alloc(DIV_ROUND_UP(want, PAGE_SIZE));
    if (!buf)
        return -ENOMEM;
    struct hostpoll *poll = poll_of(file);
    u32 begun = hostpoll_begin(poll);
    s64 n = ocall_read(host_fd(file), buf, want);
    if (n > 0) // whether there is more, the next look asks
        hostpoll_forget(poll, begun, POLLIN);
    if (n > 0 && (err = uio_put(uio, buf, (size_t)n)) != 0)
        n = err;
    kpages_free(buf, DIV_ROUND_UP(want, PAGE_SIZE));
    return n;
}

static long write_some(struct file *file, struct uio *uio, u8 *buf)
{
    size_t want = MIN(uio->left, (size_t)CHUNK), done = 0;
    int err = uio_take(uio, buf, want);

    while (!err && done < want) {
        s64 n = ocall_write(host_fd(file), buf + done, want - done);
        if (n == -EAGAIN)
            n = wait_ready(file, POLLOUT);
        if (n == -EINTR)
            n = thread_interrupted(current) ? -ERESTARTSYS : 0;
        if (n < 0)
            err = (int)n;
        else
            done += (size_t)n;
    }
    if (err == -EPIPE)
        fs_raise_signal(SIGPIPE);
    return done ? (long)done : err;
}

static long write_stream(struct file *file, struct uio *uio, u64 *offset)
{
    size_t pages = DIV_ROUND_UP(MIN(uio->left, (size_t)CHUNK), PAGE_SIZE), done = 0;
    long n = 0;
    if (!pages)
        return 0;
    u8 *buf = kpages_alloc(pages);
    if (!buf)
        return -ENOMEM;
    while (uio->left) {
        size_t want = MIN(uio->left, (size_t)CHUNK);
        n = write_some(file, uio, buf);
        if (n <= 0)
            break;
        done += (size_t)n;
        if ((size_t)n < want)
            break;
    }
    kpages_free(buf, pages);
    return done ? (long)done : n;
}

static const struct {
    u32 command;
    u16 in, out; // bytes of the argument in each direction
} tty_commands[] = {
    { TCGETS, 0, 36 },    { TCSETS, 36, 0 },    { TCSETSW, 36, 0 }, { TCSETSF, 36, 0 },
    { TIOCGWINSZ, 0, 8 }, { TIOCSWINSZ, 8, 0 }, { FIONREAD, 0, 4 }, { TIOCOUTQ, 0, 4 },
};

static long ioctl_stream(struct file *file, u32 command, u64 argument)
{
    u8 in[64] = { 0 }, out[64] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(tty_commands); i++) {
        if (tty_commands[i].command != command)
            continue;
        if (copy_from_user(in, (const void __user *)argument, tty_commands[i].in))
            return -EFAULT;
        s64 n = ocall_tty_ioctl(host_fd(file), command, in, tty_commands[i].in, out, tty_commands[i].out);
        if (n < 0)
            return n;
        return copy_to_user((void __user *)argument, out, tty_commands[i].out) ? -EFAULT : n;
    }
    return -ENOTTY;
}

static const struct file_ops stream_ops = {
    .read = read_stream, .write = write_stream, .poll = stream_poll, .ioctl = ioctl_stream, .stream = true
};

static int getattr(struct inode *inode, struct kstat *st)
{
    struct host_stat host;
    s64 err = ocall_fstat((int)inode->ino, &host);
    if (err)
        return (int)err;
    *st = (struct kstat){
        .dev = 0xf0,
        .ino = host.ino,
        .size = host.size & INT64_MAX,
        .mode = inode->mode | (host.mode & 0777),
        .nlink = 1,
        .blksize = 4096,
        .rdev = host.rdev,
        .mtime = host.mtime.sec * 1000000000ll,
    };
    return 0;
}

static int reopen(struct inode *inode, struct file *file)
{
    file->ops = &stream_ops;
    file->private = (void *)inode->ino;
    return 0;
}

static void release(struct inode *inode) { kfree(inode); }

static const struct inode_ops stream_inode_ops = { .getattr = getattr, .open = reopen, .release = release };

int hostio_open(int fd, u32 flags, struct file **ret_file)
{
    struct host_stat host;
    s64 err = ocall_fstat(fd, &host);
    if (!err && !opened[fd]) {
        wait_queue_init(&readable[fd]);
        wait_queue_init(&writable[fd]);
        err = hostpoll_open(&polls[fd], fd, &readable[fd], &writable[fd]);
    }
    if (err)
        return (int)err;
    opened[fd] = true;
    u32 type = host.mode & S_IFMT;
    struct inode *inode = kzalloc(sizeof(*inode));
    if (!inode)
        return -ENOMEM;
    // A regular file behind a standard stream keeps its position in the host, which the caller may share: a stream to
    // us.
    inode_init(inode, &stream_inode_ops, type ? type : S_IFIFO, (u64)fd);
    err = file_alloc(inode, flags, ret_file);
    inode_unref(inode);
    if (err)
        return (int)err;
    reopen((*ret_file)->inode, *ret_file);
    (*ret_file)->path = kstrdup(S_ISCHR(type) ? "/dev/tty" : "pipe:[host]");
    return 0;
}

int hostio_attach_tty(int fd, struct file *file)
{
    u8 in[1] = { 0 }, out[36];
    if (!opened[fd] || ocall_tty_ioctl(fd, TCGETS, in, 0, out, sizeof(out)) < 0)
        return -ENXIO;
    file->ops = &stream_ops;
    file->private = (void *)(s64)fd;
    return 0;
}
