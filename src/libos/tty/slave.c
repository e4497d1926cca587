// SPDX-License-Identifier: BSD-3-Clause
// The slave of a pair: what programs read and write, waiting as VMIN and VTIME have it (termios(3)).
#include <asm/ioctls.h>

#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/tty/pty.h"

enum { CHUNK = 1024 };
#define TENTH_NS (NSEC_PER_SEC / 10)

static struct pty_slave *slave_of(const struct file *file) { return file->private; }

static bool hung_up(const struct pty_slave *slave) { return slave->generation != READ_ONCE(slave->pty->generation); }

// What a read waits for, as it was set when it began.
struct patience {
    size_t least; // bytes
    s64 between;  // ns between bytes; 0: for ever
    s64 deadline; // WAIT_FOREVER; 0: not at all
};

static struct patience patience_of(struct pty *pty)
{
    struct patience p = { .least = 1, .deadline = WAIT_FOREVER };

    mutex_lock(&pty->lock);
    const struct termios2 *t = &pty->line.termios;
    s64 time = t->c_cc[VTIME] * TENTH_NS;
    if (!(t->c_lflag & ICANON)) {
        if (t->c_cc[VMIN]) {
            p.least = t->c_cc[VMIN];
            p.between = time;
        } else {
            p.deadline = time ? time_deadline_ns(time) : 0;
        }
    }
    mutex_unlock(&pty->lock);
    return p;
}

static bool can_read(struct pty_slave *slave)
{
    mutex_lock(&slave->pty->lock);
    bool can = hung_up(slave) || discipline_has_input(&slave->pty->line, 1);
    mutex_unlock(&slave->pty->lock);
    return can;
}

// Sleeps until something may be there. 0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS.
static int wait_input(struct file *file, const struct patience *p)
{
    struct pty_slave *slave = slave_of(file);

    if (!p->deadline)
        return -ETIMEDOUT;
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    int err = wait_event(&slave->pty->slave_readable, can_read(slave), p->deadline);
    return err == -EINTR ? -ERESTARTSYS : err;
}

// Takes what is there into data: count; *ret_line: it was a line, which ends the read. -EAGAIN: nothing; -EIO: hung up.
static long take_input(struct pty_slave *slave, u8 *data, size_t n, bool *ret_line)
{
    struct pty *pty = slave->pty;

    mutex_lock(&pty->lock);
    if (hung_up(slave) || !discipline_has_input(&pty->line, 1)) {
        long err = hung_up(slave) ? -EIO : -EAGAIN;
        mutex_unlock(&pty->lock);
        return err;
    }
    *ret_line = pty->line.termios.c_lflag & ICANON;
    size_t done = discipline_take_input(&pty->line, data, n);
    pty_settle(pty);
    return (long)done;
}

static long read_into(struct file *file, u8 *data, size_t n)
{
    struct patience p = patience_of(slave_of(file)->pty);
    size_t done = 0;
    bool line;

    while (done < n) {
        long some = take_input(slave_of(file), data + done, n - done, &line);
        if (some == -EIO)
            break; // the end of the file
        if (some < 0) {
            int err = wait_input(file, &p);
            if (err == -ETIMEDOUT)
                break;
            if (err)
                return done ? (long)done : err;
            continue;
        }
        done += (size_t)some;
        if (line || done >= p.least)
            break;
        if (p.between)
            p.deadline = time_deadline_ns(p.between);
    }
    return (long)done;
}

static long slave_read(struct file *file, struct uio *uio, u64 *offset)
{
    size_t n = MIN(uio->left, (size_t)INPUT_SIZE);

    if (hung_up(slave_of(file)))
        return 0;
    int err = tty_check_job(&slave_of(file)->pty->tty, SIGTTIN);
    if (err || !n)
        return err;
    u8 *data = kmalloc(n);
    if (!data)
        return -ENOMEM;
    long done = read_into(file, data, n);
    if (done > 0 && uio_put(uio, data, (size_t)done))
        done = -EFAULT;
    kfree(data);
    return done;
}

static bool can_write(struct pty_slave *slave)
{
    mutex_lock(&slave->pty->lock);
    bool can = hung_up(slave) || discipline_accepts_output(&slave->pty->line);
    mutex_unlock(&slave->pty->lock);
    return can;
}

// Writes a chunk; waits for room. Count, or -errno before the first byte.
static long write_chunk(struct file *file, const u8 *data, size_t n)
{
    struct pty_slave *slave = slave_of(file);
    size_t done = 0;

    for (;;) {
        mutex_lock(&slave->pty->lock);
        bool gone = hung_up(slave);
        if (!gone)
            done += discipline_write(&slave->pty->line, data + done, n - done);
        pty_settle(slave->pty);
        if (done == n)
            return (long)n;
        int err = file->flags & O_NONBLOCK ? -EAGAIN : 0;
        if (gone)
            err = -EIO;
        if (!err && wait_event(&slave->pty->slave_writable, can_write(slave), WAIT_FOREVER))
            err = -ERESTARTSYS;
        if (err)
            return done ? (long)done : err;
    }
}

static bool stops_writers(struct pty *pty)
{
    mutex_lock(&pty->lock);
    bool stops = pty->line.termios.c_lflag & TOSTOP;
    mutex_unlock(&pty->lock);
    return stops;
}

static long slave_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct pty *pty = slave_of(file)->pty;
    u8 data[CHUNK];
    long done = 0;

    int err = stops_writers(pty) ? tty_check_job(&pty->tty, SIGTTOU) : 0;
    if (err)
        return err;
    while (uio->left) {
        size_t n = MIN(uio->left, sizeof(data));
        if (uio_take(uio, data, n))
            return done ? done : -EFAULT;
        long some = write_chunk(file, data, n);
        if (some < 0)
            return done ? done : some;
        done += some;
        if ((size_t)some < n)
            break;
    }
    return done;
}

static u32 slave_poll(struct file *file, struct poll_table *table)
{
    struct pty_slave *slave = slave_of(file);
    struct pty *pty = slave->pty;
    u32 events = 0;

    poll_wait_pair(table, &pty->slave_readable, &pty->slave_writable);
    mutex_lock(&pty->lock);
    const struct termios2 *t = &pty->line.termios;
    size_t least = t->c_cc[VTIME] == 0 ? t->c_cc[VMIN] : 0;
    if (hung_up(slave))
        events = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    else if (discipline_has_input(&pty->line, least))
        events = POLLIN | POLLRDNORM;
    if (!hung_up(slave) && discipline_accepts_output(&pty->line))
        events |= POLLOUT | POLLWRNORM;
    mutex_unlock(&pty->lock);
    return events;
}

static long slave_ioctl(struct file *file, u32 command, u64 argument)
{
    if (hung_up(slave_of(file)))
        return command == TIOCSPGRP ? -ENOTTY : -EIO;
    return pty_ioctl(slave_of(file)->pty, file, false, command, argument);
}

static void slave_release(struct file *file)
{
    struct pty_slave *slave = slave_of(file);
    struct pty *pty = slave->pty;

    mutex_lock(&pty->lock);
    if (!hung_up(slave) && --pty->slaves == 0)
        pty->slave_gone = true;
    pty_settle(pty);
    kfree(slave);
    tty_unref(&pty->tty);
}

static const struct file_ops slave_ops = {
    .read = slave_read,
    .write = slave_write,
    .poll = slave_poll,
    .ioctl = slave_ioctl,
    .release = slave_release,
    .stream = true,
};

int pty_open_slave(struct tty *tty, struct file *file)
{
    struct pty *pty = pty_of(tty);
    struct pty_slave *slave = kmalloc(sizeof(*slave));

    if (!slave)
        return -ENOMEM;
    mutex_lock(&pty->lock);
    bool closed = pty->locked || pty->master_gone;
    *slave = (struct pty_slave){ .pty = pty, .generation = pty->generation };
    if (!closed) {
        pty->slaves++;
        pty->slave_gone = false;
    }
    mutex_unlock(&pty->lock);
    if (closed) {
        kfree(slave);
        return -EIO;
    }
    tty_ref(tty);
    file->ops = &slave_ops;
    file->private = slave;
    return 0;
}
