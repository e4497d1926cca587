// SPDX-License-Identifier: BSD-3-Clause
// Descriptors of the host as streams. Reading waits in the host's poll, so that a signal ends it, then reads what is
// there.
#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "base/refcount.h"
#include "base/string.h"
#include "libos/fs/hostio.h"
#include "libos/fs/hostpoll.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"
#include "trusted/ocall.h"

enum { CHUNK = 64 << 10 };

struct stream {
    struct refcount refs;
    int fd; // the host's
    bool owned;
    struct host_stat first; // what the host said when it was opened
    struct hostpoll poll;
    struct wait_queue readable, writable;
};

struct stream_inode {
    struct inode inode;
    struct stream *stream;
};

static const struct file_ops stream_ops;

struct stream *hostio_ref(struct stream *stream)
{
    refcount_get(&stream->refs);
    return stream;
}

void hostio_unref(struct stream *stream)
{
    if (!refcount_put(&stream->refs))
        return;
    hostpoll_close(&stream->poll);
    if (stream->owned)
        (void)ocall_close(stream->fd);
    kfree(stream);
}

struct stream *hostio_of(const struct file *file) { return file->ops == &stream_ops ? file->private : NULL; }
void hostio_wake(struct stream *stream)
{
    wake_up_all(&stream->readable);
    wake_up_all(&stream->writable);
}

u64 hostio_device(const struct stream *stream) { return stream->first.rdev; }

u32 hostio_poll(struct stream *stream, struct poll_table *table) { return hostpoll_events(&stream->poll, table); }

static u32 stream_poll(struct file *file, struct poll_table *table) { return hostio_poll(file->private, table); }

// Waits until the descriptor is ready. What a terminal or a pipe holds is the host's to know, who shares it with
// others: an earlier report says little.
static int wait_ready(struct stream *stream, const struct file *file, u32 events)
{
    struct hostpoll *poll = &stream->poll;
    u32 begun = hostpoll_begin(poll);

    if (hostpoll_ask(poll) & (events | POLLERR | POLLHUP))
        return 0;
    hostpoll_clear(poll, begun, events);
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    int err = hostpoll_wait(poll, events, WAIT_FOREVER);
    return err == -EINTR ? -ERESTARTSYS : err;
}

long hostio_read(struct stream *stream, const struct file *file, struct uio *uio)
{
    size_t want = MIN(uio->left, (size_t)CHUNK);
    if (!want)
        return 0;
    int err = wait_ready(stream, file, POLLIN);
    if (err)
        return err;
    u8 *buf = kpages_alloc(DIV_ROUND_UP(want, PAGE_SIZE));
    if (!buf)
        return -ENOMEM;
    u32 begun = hostpoll_begin(&stream->poll);
    s64 n = ocall_read(stream->fd, buf, want);
    if (n > 0) // whether there is more, the next look asks
        hostpoll_forget(&stream->poll, begun, POLLIN);
    if (n > 0 && (err = uio_put(uio, buf, (size_t)n)) != 0)
        n = err;
    kpages_free(buf, DIV_ROUND_UP(want, PAGE_SIZE));
    return n;
}

static long write_some(struct stream *stream, const struct file *file, struct uio *uio, u8 *buf)
{
    size_t want = MIN(uio->left, (size_t)CHUNK), done = 0;
    int err = uio_take(uio, buf, want);

    while (!err && done < want) {
        s64 n = ocall_write(stream->fd, buf + done, want - done);
        if (n == -EAGAIN)
            n = wait_ready(stream, file, POLLOUT);
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

long hostio_write(struct stream *stream, const struct file *file, struct uio *uio)
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
        n = write_some(stream, file, uio, buf);
        if (n <= 0)
            break;
        done += (size_t)n;
        if ((size_t)n < want)
            break;
    }
    kpages_free(buf, pages);
    return done ? (long)done : n;
}

static long read_stream(struct file *file, struct uio *uio, u64 *offset)
{
    return hostio_read(file->private, file, uio);
}

static long write_stream(struct file *file, struct uio *uio, u64 *offset)
{
    return hostio_write(file->private, file, uio);
}

static const struct {
    u32 command;
    u16 in, out; // bytes of the argument in each direction
    bool value;  // the argument is a number itself
} tty_commands[] = {
    { TCGETS, 0, 36, false },    { TCSETS, 36, 0, false },    { TCSETSW, 36, 0, false },  { TCSETSF, 36, 0, false },
    { TCGETS2, 0, 44, false },   { TCSETS2, 44, 0, false },   { TCSETSW2, 44, 0, false }, { TCSETSF2, 44, 0, false },
    { TIOCGWINSZ, 0, 8, false }, { TIOCSWINSZ, 8, 0, false }, { FIONREAD, 0, 4, false },  { TIOCOUTQ, 0, 4, false },
    { TCFLSH, 0, 0, true },      { TCXONC, 0, 0, true },      { TCSBRK, 0, 0, true },     { TCSBRKP, 0, 0, true },
};

// A terminal is a character device, and none of memory's (/dev/null): of others the host need not be asked.
static bool may_be_tty(const struct stream *stream)
{
    enum { MEMORY_DEVICES = 1 }; // the major number
    return S_ISCHR(stream->first.mode) && stream->first.rdev >> 8 != MEMORY_DEVICES;
}

long hostio_ioctl(struct stream *stream, u32 command, u64 argument)
{
    u8 in[64] = { 0 }, out[64] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(tty_commands); i++) {
        size_t in_size = tty_commands[i].in, out_size = tty_commands[i].out;
        if (tty_commands[i].command != command)
            continue;
        if (command != FIONREAD && command != TIOCOUTQ && !may_be_tty(stream))
            return -ENOTTY;
        if (tty_commands[i].value) {
            u32 number = (u32)argument;
            in_size = sizeof(number);
            memcpy(in, &number, in_size);
        } else if (copy_from_user(in, (const void __user *)argument, in_size)) {
            return -EFAULT;
        }
        s64 n = ocall_tty_ioctl(stream->fd, command, in, in_size, out, out_size);
        if (n < 0)
            return n;
        return copy_to_user((void __user *)argument, out, out_size) ? -EFAULT : n;
    }
    return -ENOTTY;
}

bool hostio_settings(struct stream *stream, struct termios *ret_settings)
{
    u8 in[1] = { 0 };
    return may_be_tty(stream) && ocall_tty_ioctl(stream->fd, TCGETS, in, 0, ret_settings, sizeof(*ret_settings)) >= 0;
}

static long ioctl_stream(struct file *file, u32 command, u64 argument)
{
    return hostio_ioctl(file->private, command, argument);
}

static const struct file_ops stream_ops = {
    .read = read_stream, .write = write_stream, .poll = stream_poll, .ioctl = ioctl_stream, .stream = true
};

static struct stream_inode *node_of(struct inode *inode) { return container_of(inode, struct stream_inode, inode); }

static int getattr(struct inode *inode, struct kstat *st)
{
    const struct stream *stream = node_of(inode)->stream;
    struct host_stat host = stream->first;
    // Of pipes, sockets and devices what was said first is as good.
    s64 err = S_ISREG(host.mode) || S_ISDIR(host.mode) ? ocall_fstat(stream->fd, &host) : 0;
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

// The file holds the inode, and that the stream.
static int reopen(struct inode *inode, struct file *file)
{
    file->ops = &stream_ops;
    file->private = node_of(inode)->stream;
    return 0;
}

static void release(struct inode *inode)
{
    hostio_unref(node_of(inode)->stream);
    kfree(node_of(inode));
}

static const struct inode_ops stream_inode_ops = { .getattr = getattr, .open = reopen, .release = release };

// owned: the descriptor is closed with the last file; not when this fails.
static int stream_new(int fd, bool owned, const struct host_stat *stat, struct stream **ret_stream)
{
    struct stream *stream = kzalloc(sizeof(*stream));

    if (!stream)
        return -ENOMEM;
    refcount_init(&stream->refs, 1);
    stream->fd = fd;
    stream->owned = owned;
    stream->first = *stat;
    wait_queue_init(&stream->readable);
    wait_queue_init(&stream->writable);
    int err = hostpoll_open(&stream->poll, fd, &stream->readable, &stream->writable);
    if (err)
        kfree(stream);
    else
        *ret_stream = stream;
    return err;
}

int hostio_open(int fd, bool owned, const struct host_stat *known, u32 flags, struct file **ret_file)
{
    struct host_stat host;
    struct stream_inode *node = kzalloc(sizeof(*node));

    if (!node)
        return -ENOMEM;
    bool asks = !known || !(known->mode & S_IFMT);
    int err = asks ? (int)ocall_fstat(fd, &host) : 0;
    if (!asks)
        host = *known;
    if (!err)
        err = stream_new(fd, owned, &host, &node->stream);
    if (err) {
        kfree(node);
        return err;
    }
    u32 type = host.mode & S_IFMT;
    // A regular file behind a standard stream keeps its position in the host, which the caller may share: a stream to
    // us.
    inode_init(&node->inode, &stream_inode_ops, type ? type : S_IFIFO, (u64)fd);
    err = file_alloc(&node->inode, flags, ret_file);
    if (err)
        node->stream->owned = false;
    inode_unref(&node->inode);
    if (err)
        return err;
    reopen((*ret_file)->inode, *ret_file);
    (*ret_file)->path = kstrdup(S_ISCHR(type) ? "/dev/tty" : "pipe:[host]");
    return 0;
}
