// SPDX-License-Identifier: BSD-3-Clause
// ioctls of pairs (ioctl_tty(2)).
#include <asm/ioctls.h>

#include "base/fmt.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/thread/thread.h"
#include "libos/tty/pty.h"
#include "libos/vm/user.h"

// The three layouts of settings that programs use: struct termio, termios and termios2.
enum { OLD_KEYS = 8 };

static int take_old(struct termios2 *t, const void __user *user)
{
    struct termio old;

    if (copy_from_user(&old, user, sizeof(old)))
        return -EFAULT;
    t->c_iflag = (t->c_iflag & 0xffff0000) | old.c_iflag;
    t->c_oflag = (t->c_oflag & 0xffff0000) | old.c_oflag;
    t->c_cflag = (t->c_cflag & 0xffff0000) | old.c_cflag;
    t->c_lflag = (t->c_lflag & 0xffff0000) | old.c_lflag;
    t->c_line = old.c_line;
    memcpy(t->c_cc, old.c_cc, OLD_KEYS);
    return 0;
}

static int put_old(const struct termios2 *t, void __user *user)
{
    struct termio old = { .c_iflag = (u16)t->c_iflag,
                          .c_oflag = (u16)t->c_oflag,
                          .c_cflag = (u16)t->c_cflag,
                          .c_lflag = (u16)t->c_lflag,
                          .c_line = t->c_line };

    memcpy(old.c_cc, t->c_cc, OLD_KEYS);
    return copy_to_user(user, &old, sizeof(old)) ? -EFAULT : 0;
}

static struct termios2 settings(struct pty *pty)
{
    mutex_lock(&pty->lock);
    struct termios2 t = pty->line.termios;
    mutex_unlock(&pty->lock);
    return t;
}

// In which layout a command has its argument, and whether input is flushed.
static const struct {
    u32 command;
    u16 size; // bytes; 0: struct termio
    bool set, flush;
} commands[] = {
    { TCGETS, sizeof(struct termios), false, false },
    { TCGETS2, sizeof(struct termios2), false, false },
    { TCGETA, 0, false, false },
    { TCSETS, sizeof(struct termios), true, false },
    { TCSETSW, sizeof(struct termios), true, false },
    { TCSETSF, sizeof(struct termios), true, true },
    { TCSETS2, sizeof(struct termios2), true, false },
    { TCSETSW2, sizeof(struct termios2), true, false },
    { TCSETSF2, sizeof(struct termios2), true, true },
    { TCSETA, 0, true, false },
    { TCSETAW, 0, true, false },
    { TCSETAF, 0, true, true },
};

static long set(struct pty *pty, bool master, size_t size, bool flush, const void __user *user)
{
    struct termios2 t = settings(pty);

    long err = master ? 0 : tty_check_job(&pty->tty, SIGTTOU);
    if (!err)
        err = size ? 0 : take_old(&t, user);
    if (!err && size && copy_from_user(&t, user, size))
        err = -EFAULT;
    if (err)
        return err;
    mutex_lock(&pty->lock);
    if (flush)
        discipline_flush_input(&pty->line);
    discipline_set(&pty->line, &t);
    pty_settle(pty);
    return 0;
}

// -ENOTTY: it is none of these.
static long settings_ioctl(struct pty *pty, bool master, u32 command, u64 argument)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].command != command)
            continue;
        size_t size = commands[i].size;
        if (commands[i].set)
            return set(pty, master, size, commands[i].flush, (const void __user *)argument);
        struct termios2 t = settings(pty);
        if (!size)
            return put_old(&t, (void __user *)argument);
        return copy_to_user((void __user *)argument, &t, size) ? -EFAULT : 0;
    }
    return -ENOTTY;
}

static long set_size(struct pty *pty, u64 argument)
{
    struct winsize size;

    if (copy_from_user(&size, (const void __user *)argument, sizeof(size)))
        return -EFAULT;
    mutex_lock(&pty->lock);
    bool changed = memcmp(&pty->size, &size, sizeof(size)) != 0;
    pty->size = size;
    mutex_unlock(&pty->lock);
    if (changed)
        tty_signal_foreground(&pty->tty, SIGWINCH);
    return 0;
}

static long get_size(struct pty *pty, u64 argument)
{
    mutex_lock(&pty->lock);
    struct winsize size = pty->size;
    mutex_unlock(&pty->lock);
    return copy_to_user((void __user *)argument, &size, sizeof(size)) ? -EFAULT : 0;
}

// TCFLSH, TCXONC.
static long flow(struct pty *pty, bool master, u32 command, u64 argument)
{
    struct discipline *d = &pty->line;
    long err = master ? 0 : tty_check_job(&pty->tty, SIGTTOU);

    if (err || argument > (command == TCXONC ? TCION : TCIOFLUSH))
        return err ? err : -EINVAL;
    mutex_lock(&pty->lock);
    if (command == TCFLSH) {
        if (argument != TCOFLUSH)
            discipline_flush_input(d);
        if (argument != TCIFLUSH)
            discipline_flush_output(d);
        if (argument != TCIFLUSH)
            d->packet |= TIOCPKT_FLUSHWRITE;
    } else if (argument == TCOOFF) {
        discipline_stop(d, true);
    } else if (argument == TCOON) {
        discipline_start(d, true);
    } else {
        u8 key = d->termios.c_cc[argument == TCIOFF ? VSTOP : VSTART];
        if (key && d->out_head - d->out_tail < OUTPUT_SIZE)
            d->output[d->out_head++ % OUTPUT_SIZE] = key;
    }
    pty_settle(pty);
    return 0;
}

static long put_number(u32 number, u64 argument) { return put_user(number, (u32 __user *)argument) ? -EFAULT : 0; }

static long counts(struct pty *pty, bool master, u32 command, u64 argument)
{
    mutex_lock(&pty->lock);
    size_t in = master ? discipline_output_size(&pty->line) : discipline_input_size(&pty->line);
    mutex_unlock(&pty->lock);
    return put_number(command == TIOCOUTQ ? 0 : (u32)in, argument);
}

static long open_peer(struct pty *pty, u64 flags)
{
    struct inode *inode;
    struct file *file;
    char path[32];

    int err = devpts_node(&pty->tty, &inode);
    if (err)
        return err;
    err = file_alloc(inode, (u32)flags & (O_ACCMODE | O_NONBLOCK | O_NOCTTY | O_APPEND), &file);
    inode_unref(inode);
    if (!err && (err = pty_open_slave(&pty->tty, file)) != 0)
        file_unref(file);
    if (err)
        return err;
    fmt_format(path, sizeof(path), "/dev/pts/%d", pty->tty.index);
    file->path = kstrdup(path);
    tty_opened(&pty->tty, file);
    return files_give(file, 0, flags & O_CLOEXEC);
}

// Sets a bool of the pair from an int.
static long set_flag(struct pty *pty, bool *flag, u64 argument)
{
    int on;

    if (get_user(on, argument))
        return -EFAULT;
    mutex_lock(&pty->lock);
    if (flag == &pty->packet && on && !pty->packet)
        pty->line.packet = 0;
    *flag = on != 0;
    pty_settle(pty);
    return 0;
}

static long get_flag(struct pty *pty, const bool *flag, u64 argument)
{
    mutex_lock(&pty->lock);
    bool on = *flag;
    mutex_unlock(&pty->lock);
    return put_number(on, argument);
}

static long master_ioctl(struct pty *pty, u32 command, u64 argument)
{
    switch (command) {
    case TIOCGPTN:
        return put_number((u32)pty->tty.index, argument);
    case TIOCSPTLCK:
        return set_flag(pty, &pty->locked, argument);
    case TIOCGPTLCK:
        return get_flag(pty, &pty->locked, argument);
    case TIOCPKT:
        return set_flag(pty, &pty->packet, argument);
    case TIOCGPKT:
        return get_flag(pty, &pty->packet, argument);
    case TIOCGPTPEER:
        return open_peer(pty, argument);
    case TIOCSIG:
        if (argument != SIGINT && argument != SIGQUIT && argument != SIGTSTP)
            return -EINVAL;
        tty_signal_foreground(&pty->tty, (int)argument);
        return 0;
    default:
        return -ENOTTY;
    }
}

// TIOCSTI: as if it had been typed.
static long type_key(struct pty *pty, u64 argument)
{
    u8 key;

    if (copy_from_user(&key, (const void __user *)argument, 1))
        return -EFAULT;
    mutex_lock(&pty->lock);
    (void)discipline_receive(&pty->line, &key, 1);
    pty_settle(pty);
    return 0;
}

static long set_discipline(u64 argument)
{
    int which;
    if (get_user(which, argument))
        return -EFAULT;
    return which ? -EINVAL : 0; // N_TTY is the only one
}

long pty_ioctl(struct pty *pty, const struct file *file, bool master, u32 command, u64 argument)
{
    bool known;
    long err = tty_job_ioctl(&pty->tty, file, master, command, argument, &known);

    if (known)
        return err;
    switch (command) {
    case TIOCGWINSZ:
        return get_size(pty, argument);
    case TIOCSWINSZ:
        return set_size(pty, argument);
    case TCFLSH:
    case TCXONC:
        return flow(pty, master, command, argument);
    case FIONREAD:
    case TIOCOUTQ:
        return counts(pty, master, command, argument);
    case TCSBRK:
    case TCSBRKP:
        return master ? 0 : tty_check_job(&pty->tty, SIGTTOU); // nothing waits to be sent
    case TIOCSTI:
        return type_key(pty, argument);
    case TIOCGETD:
        return put_number(0, argument);
    case TIOCSETD:
        return set_discipline(argument);
    case TIOCEXCL:
    case TIOCNXCL:
        WRITE_ONCE(pty->exclusive, command == TIOCEXCL);
        return 0;
    case TIOCGEXCL:
        return put_number(READ_ONCE(pty->exclusive), argument);
    case TIOCGDEV:
        return put_number((u32)TTY_DEVICE(TTY_MAJOR_PTS, pty->tty.index), argument);
    case TIOCVHANGUP:
        tty_hang_up(&pty->tty);
        return 0;
    default:
        err = settings_ioctl(pty, master, command, argument);
        return err == -ENOTTY && master ? master_ioctl(pty, command, argument) : err;
    }
}
