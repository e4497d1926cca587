// SPDX-License-Identifier: BSD-3-Clause
// What terminals are to the folders before: devices that can be opened, and what processes ask of them.
#include "libos/tty/init.h"

#include "libos/process/process.h"
#include "libos/tty/tty.h"

static int open_console(struct file *file)
{
    mutex_lock(&process_lock);
    struct tty *tty = process_first ? process_first->tty : NULL;
    if (tty)
        tty_ref(tty);
    mutex_unlock(&process_lock);
    int err = tty ? tty->ops->open(tty, file) : -ENXIO;
    tty_unref(tty);
    return err;
}

static int open_own(struct file *file)
{
    struct tty *tty = tty_of_caller();
    int err = tty ? tty->ops->open(tty, file) : -ENXIO;
    tty_unref(tty);
    return err;
}

static int open_terminal(u64 rdev, struct file *file)
{
    switch (rdev) {
    case TTY_DEVICE(TTY_MAJOR_AUX, TTY_MINOR_TTY):
        return open_own(file);
    case TTY_DEVICE(TTY_MAJOR_AUX, TTY_MINOR_CONSOLE):
        return open_console(file);
    case TTY_DEVICE(TTY_MAJOR_AUX, TTY_MINOR_PTMX):
        return pty_open_master(file);
    default:
        return -ENXIO;
    }
}

void tty_init(void)
{
    fs_special.open_terminal = open_terminal;
    fs_special.make_devpts = devpts_create;
    tty_job_init();
}
