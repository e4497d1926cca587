// SPDX-License-Identifier: BSD-3-Clause
// A pair (pty(7)): the master is the screen and the keys, the slave is the terminal that programs use. Private to tty/.
#pragma once

#include "libos/sync/mutex.h"
#include "libos/tty/discipline.h"
#include "libos/tty/tty.h"

#include <asm/termios.h>

struct pty {
    struct tty tty;
    struct mutex lock; // everything below
    struct winsize size;
    bool locked;      // TIOCSPTLCK: the slave cannot be opened
    bool master_gone; // for good
    bool slave_gone;  // it was open, and is no more
    bool exclusive;   // TIOCEXCL: kept, and in nobody's way, as all are root
    bool packet;      // TIOCPKT
    u32 slaves;       // open files of this generation
    u32 generation;   // files of an older one are hung up; also read without the lock
    struct wait_queue slave_readable, slave_writable, master_readable, master_writable;
    struct discipline line;
};

// Of an open slave.
struct pty_slave {
    struct pty *pty;
    u32 generation;
};

static inline struct pty *pty_of(struct tty *tty) { return container_of(tty, struct pty, tty); }

// After the line was worked on: takes the lock off, wakes who may go on, and sends what keys raised.
void pty_settle(struct pty *pty);

// slave.c
int pty_open_slave(struct tty *tty, struct file *file);

// ioctl.c
// What both ends know. ret_known false: nothing of that.
long pty_ioctl(struct pty *pty, const struct file *file, bool master, u32 command, u64 argument);
