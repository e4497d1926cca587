// SPDX-License-Identifier: BSD-3-Clause
// Pairs, and their master.
#include "libos/tty/pty.h"

#include <asm/ioctls.h>

#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/thread/thread.h"

enum { PAGES = DIV_ROUND_UP(sizeof(struct pty), PAGE_SIZE), CHUNK = 1024 };

static struct pty *master_of(const struct file *file) { return file->private; }

void pty_settle(struct pty *pty)
{
    struct discipline *d = &pty->line;
    u32 signals = d->signals;

    d->signals = 0;
    mutex_unlock(&pty->lock);
    // The caller's file, or the loop around, holds the pair. Who wakes in vain looks again.
    wake_up_all(&pty->slave_readable);
    wake_up_all(&pty->slave_writable);
    wake_up_all(&pty->master_readable);
    wake_up_all(&pty->master_writable);
    for (int signo = 1; signals >> signo; signo++)
        if (signals & (1u << signo))
            tty_signal_foreground(&pty->tty, signo);
}

// What TIOCPKT_ news a reader in packet mode would get.
static u8 news(const struct pty *pty) { return pty->packet ? pty->line.packet : 0; }

static bool master_can_read(struct pty *pty)
{
    mutex_lock(&pty->lock);
    bool can = discipline_output_size(&pty->line) || news(pty) || pty->slave_gone;
    mutex_unlock(&pty->lock);
    return can;
}

static bool master_can_write(struct pty *pty)
{
    mutex_lock(&pty->lock);
    bool can = discipline_accepts(&pty->line) || pty->slave_gone;
    mutex_unlock(&pty->lock);
    return can;
}

// One piece of output: count, -EAGAIN when there is none, -EIO when there will be none.
static long take_output(struct pty *pty, u8 *data, size_t n)
{
    size_t head = 0;
    long done;

    mutex_lock(&pty->lock);
    if (news(pty)) {
        data[0] = news(pty);
        pty->line.packet = 0;
        mutex_unlock(&pty->lock);
        return 1;
    }
    if (pty->packet && n) {
        data[0] = TIOCPKT_DATA;
        head = 1;
    }
    done = (long)discipline_take_output(&pty->line, data + head, n - head);
    if (!done && n > head)
        done = pty->slave_gone ? -EIO : -EAGAIN;
    else
        done += (long)head;
    pty_settle(pty);
    return done;
}

static long master_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct pty *pty = master_of(file);
    u8 data[CHUNK];
    long done = 0, n;

    if (!uio->left)
        return 0;
    for (;;) {
        n = take_output(pty, data, MIN(uio->left, sizeof(data)));
        if (n == -EAGAIN && !done && !(file->flags & O_NONBLOCK)) {
            if (wait_event(&pty->master_readable, master_can_read(pty), WAIT_FOREVER))
                return -ERESTARTSYS;
            continue;
        }
        if (n <= 0)
            break;
        if (uio_put(uio, data, (size_t)n))
            return done ? done : -EFAULT;
        done += n;
        if (!uio->left || pty->packet || (size_t)n < sizeof(data))
            break;
    }
    return done ? done : n;
}

static long master_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct pty *pty = master_of(file);
    u8 data[CHUNK];
    long done = 0;

    while (uio->left) {
        size_t n = MIN(uio->left, sizeof(data)), taken = 0;
        if (uio_take(uio, data, n))
            return done ? done : -EFAULT;
        while (taken < n) {
            mutex_lock(&pty->lock);
            size_t some = pty->slave_gone ? 0 : discipline_receive(&pty->line, data + taken, n - taken);
            bool gone = pty->slave_gone;
            pty_settle(pty);
            taken += some;
            done += (long)some;
            if (taken == n)
                break;
            if (gone)
                return done ? done : -EIO;
            if (file->flags & O_NONBLOCK)
                return done ? done : -EAGAIN;
            if (wait_event(&pty->master_writable, master_can_write(pty), WAIT_FOREVER))
                return done ? done : -ERESTARTSYS;
        }
    }
    return done;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
    struct pty *pty = master_of(file);
    u32 events = 0;

    poll_wait_pair(table, &pty->master_readable, &pty->master_writable);
    mutex_lock(&pty->lock);
    if (discipline_output_size(&pty->line))
        events |= POLLIN | POLLRDNORM;
    if (news(pty))
        events |= POLLPRI | POLLIN | POLLRDNORM;
    if (pty->slave_gone)
        events |= POLLHUP;
    if (discipline_accepts(&pty->line))
        events |= POLLOUT | POLLWRNORM;
    mutex_unlock(&pty->lock);
    return events;
}

static long master_ioctl(struct file *file, u32 command, u64 argument)
{
    return pty_ioctl(master_of(file), file, true, command, argument);
}

// The screen goes dark: programs at the terminal hear of it.
static void master_release(struct file *file)
{
    struct pty *pty = master_of(file);

    tty_unregister(&pty->tty);
    mutex_lock(&pty->lock);
    pty->master_gone = true;
    mutex_unlock(&pty->lock);
    tty_hang_up(&pty->tty);
    tty_unref(&pty->tty);
}

static const struct file_ops master_ops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
    .stream = true,
};

// process_lock held.
static void hang_up(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    mutex_lock(&pty->lock);
    WRITE_ONCE(pty->generation, pty->generation + 1);
    pty->slave_gone |= pty->slaves != 0;
    pty->slaves = 0;
    discipline_flush_input(&pty->line);
    mutex_unlock(&pty->lock);
    wake_up_all(&pty->slave_readable);
    wake_up_all(&pty->slave_writable);
    wake_up_all(&pty->master_readable);
    wake_up_all(&pty->master_writable);
}

static void release(struct tty *tty) { kpages_free(pty_of(tty), PAGES); }

static const struct tty_ops pty_ops = { .open = pty_open_slave, .hang_up = hang_up, .release = release };

int pty_open_master(struct file *file)
{
    struct pty *pty = kpages_alloc(PAGES);

    if (!pty)
        return -ENOMEM;
    memset(pty, 0, sizeof(*pty));
    mutex_init(&pty->lock, LOCK_TTY);
    wait_queue_init(&pty->slave_readable);
    wait_queue_init(&pty->slave_writable);
    wait_queue_init(&pty->master_readable);
    wait_queue_init(&pty->master_writable);
    discipline_init(&pty->line);
    pty->locked = true;
    int err = tty_register(&pty->tty, &pty_ops);
    if (err) {
        kpages_free(pty, PAGES);
        return err;
    }
    file->ops = &master_ops;
    file->private = pty;
    return 0;
}
