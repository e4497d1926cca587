// SPDX-License-Identifier: BSD-3-Clause
// Terminals of the host. Their line discipline is the host's; what they have inside is a session, a group in the
// foreground, and a number below /dev/pts. The host's signals (^C, a new size) come by signal_from_host.
#include <asm/ioctls.h>

#include "base/fmt.h"
#include "libos/fs/hostio.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/thread/thread.h"
#include "libos/tty/tty.h"
#include "libos/vm/user.h"

struct host_tty {
    struct tty tty;
    struct stream *stream;
    bool hung_up; // for good
    bool tostop;  // TOSTOP, as programs inside set it
};

static struct host_tty *host_of(const struct tty *tty) { return container_of(tty, struct host_tty, tty); }
static struct host_tty *host_of_file(const struct file *file) { return file->private; }

static long host_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct host_tty *host = host_of_file(file);

    if (READ_ONCE(host->hung_up))
        return 0;
    int err = tty_check_job(&host->tty, SIGTTIN);
    return err ? err : hostio_read(host->stream, file, uio);
}

static long host_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct host_tty *host = host_of_file(file);

    if (READ_ONCE(host->hung_up))
        return -EIO;
    int err = READ_ONCE(host->tostop) ? tty_check_job(&host->tty, SIGTTOU) : 0;
    return err ? err : hostio_write(host->stream, file, uio);
}

static u32 host_poll(struct file *file, struct poll_table *table)
{
    struct host_tty *host = host_of_file(file);

    u32 events = hostio_poll(host->stream, table);
    return READ_ONCE(host->hung_up) ? events | POLLIN | POLLOUT | POLLERR | POLLHUP : events;
}

// Those that change the terminal, for which a background group is stopped.
static bool changes(u32 command)
{
    switch (command) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCFLSH:
    case TCXONC:
    case TCSBRK:
    case TCSBRKP:
        return true;
    default:
        return false;
    }
}

static long host_ioctl(struct file *file, u32 command, u64 argument)
{
    struct host_tty *host = host_of_file(file);
    struct termios settings;
    bool known;

    if (READ_ONCE(host->hung_up))
        return command == TIOCSPGRP ? -ENOTTY : -EIO;
    long err = tty_job_ioctl(&host->tty, file, false, command, argument, &known);
    if (known)
        return err;
    if (command == TIOCGDEV) {
        u32 device = (u32)TTY_DEVICE(TTY_MAJOR_PTS, host->tty.index);
        return put_user(device, (u32 __user *)argument) ? -EFAULT : 0;
    }
    err = changes(command) ? tty_check_job(&host->tty, SIGTTOU) : 0;
    if (!err)
        err = hostio_ioctl(host->stream, command, argument);
    if (!err && changes(command) && hostio_settings(host->stream, &settings))
        WRITE_ONCE(host->tostop, (settings.c_lflag & TOSTOP) != 0);
    return err;
}

static void host_release(struct file *file) { tty_unref(&host_of_file(file)->tty); }

static const struct file_ops host_ops = {
    .read = host_read,
    .write = host_write,
    .poll = host_poll,
    .ioctl = host_ioctl,
    .release = host_release,
    .stream = true,
};

static int open(struct tty *tty, struct file *file)
{
    if (READ_ONCE(host_of(tty)->hung_up))
        return -EIO;
    tty_ref(tty);
    file->ops = &host_ops;
    file->private = host_of(tty);
    return 0;
}

static void hang_up(struct tty *tty)
{
    struct host_tty *host = host_of(tty);

    WRITE_ONCE(host->hung_up, true);
    hostio_wake(host->stream);
}

static void release(struct tty *tty)
{
    hostio_unref(host_of(tty)->stream);
    kfree(host_of(tty));
}

static const struct tty_ops ops = { .open = open, .hang_up = hang_up, .release = release };

static int make(struct stream *stream, struct tty **ret_tty)
{
    struct host_tty *host = kzalloc(sizeof(*host));

    if (!host)
        return -ENOMEM;
    host->stream = hostio_ref(stream);
    int err = tty_register(&host->tty, &ops);
    if (err) {
        hostio_unref(stream);
        kfree(host);
        return err;
    }
    *ret_tty = &host->tty;
    return 0;
}

static int make_file(struct tty *tty, struct file **ret_file)
{
    struct inode *inode;
    char path[32];

    int err = devpts_node(tty, &inode);
    if (err)
        return err;
    err = file_alloc(inode, O_RDWR, ret_file);
    inode_unref(inode);
    if (err)
        return err;
    (void)open(tty, *ret_file);
    fmt_format(path, sizeof(path), "/dev/pts/%d", tty->index);
    (*ret_file)->path = kstrdup(path);
    return 0;
}

// Puts file in the place of every standard stream that is the terminal of this device.
static void replace(struct file *file, u64 device)
{
    for (int fd = 0; fd < 3; fd++) {
        struct file *old = files_get(fd);
        struct stream *stream = old ? hostio_of(old) : NULL;
        bool same = stream && S_ISCHR(old->inode->mode) && hostio_device(stream) == device;
        if (old)
            file_unref(old);
        if (same && files_replace(fd, file_ref(file), false) < 0)
            file_unref(file);
    }
}

// The first of the caller's standard streams that is a terminal of the host, referenced; NULL: there is none.
static struct stream *find_terminal(void)
{
    struct termios settings;

    for (int fd = 0; fd < 3; fd++) {
        struct file *file = files_get(fd);
        struct stream *stream = file ? hostio_of(file) : NULL;
        bool found = stream && S_ISCHR(file->inode->mode) && hostio_settings(stream, &settings);
        if (found)
            hostio_ref(stream);
        if (file)
            file_unref(file);
        if (found)
            return stream;
    }
    return NULL;
}

void host_tty_adopt(void)
{
    struct stream *stream = find_terminal();
    struct tty *tty;
    struct file *file;

    if (!stream)
        return;
    if (make(stream, &tty) == 0) { // else it stays a stream, without job control
        if (make_file(tty, &file) == 0) {
            replace(file, hostio_device(stream));
            file_unref(file);
            mutex_lock(&process_lock);
            tty_take(tty);
            mutex_unlock(&process_lock);
        }
        tty_unref(tty);
    }
    hostio_unref(stream);
}
