// SPDX-License-Identifier: BSD-3-Clause
// Terminals: what all kinds have in common. A kind is a pty pair inside (pty.c) or a terminal of the host (host.c).
//
// The job-control part (session, foreground) is guarded by process_lock, as sessions and groups are; what a kind adds
// has a lock of its own, taken after it.
#pragma once

#include "base/refcount.h"
#include "libos/fs/file.h"

struct process;
struct tty;

enum {
    TTY_MAX = 256, // numbers below /dev/pts
    TTY_MAJOR_AUX = 5,
    TTY_MAJOR_PTS = 136,
    TTY_MINOR_TTY = 0,
    TTY_MINOR_CONSOLE = 1,
    TTY_MINOR_PTMX = 2,
};
#define TTY_DEVICE(major, minor) (((u64)(major) << 8) | (u64)(minor))

struct tty_ops {
    // open(2) of /dev/pts/N, /dev/tty or /dev/console: sets file->ops and file->private, takes a reference.
    int (*open)(struct tty *tty, struct file *file);
    // Every open file of it is dead from now on: end of file, EIO. process_lock held.
    void (*hang_up)(struct tty *tty);
    void (*release)(struct tty *tty); // the last reference is gone
};

struct tty {
    struct refcount refs;
    int index; // below /dev/pts
    const struct tty_ops *ops;
    u32 session, foreground; // ids; 0: none. Guarded by process_lock
    u32 mode, uid, gid;      // of its node in devpts; each read and written by itself
    s64 made;                // CLOCK_REALTIME ns
};

// table.c
// A new terminal with the lowest free number and one reference, the caller's. -ENOSPC: all numbers are taken.
__nodiscard int tty_register(struct tty *tty, const struct tty_ops *ops);
void tty_unregister(struct tty *tty); // nobody finds it any more
struct tty *tty_find(int index);      // referenced, or NULL
int tty_next(int index);              // the lowest number >= index that is taken, or -1
static inline void tty_ref(struct tty *tty) { refcount_get(&tty->refs); }
void tty_unref(struct tty *tty); // NULL is accepted. No spinlock held

// job.c
// May the caller read (SIGTTIN), or write and change it (SIGTTOU)? 0, -EIO, or -ERESTARTSYS after its group was sent
// the signal. Terminals that do not control the caller may be used by anybody.
__nodiscard int tty_check_job(struct tty *tty, int signo);
// A file was opened that may make it the caller's controlling terminal.
void tty_opened(struct tty *tty, const struct file *file);
// Makes it the controlling terminal of the caller, a session leader without one. process_lock held.
void tty_take(struct tty *tty);
struct tty *tty_of_caller(void); // its controlling terminal, referenced, or NULL
void tty_signal_foreground(struct tty *tty, int signo);
// The line is gone: all files of it end, its session's leader hears of it. No locks held.
void tty_hang_up(struct tty *tty);
void tty_job_init(void);
// ioctls of job control. master: asked through the other end of a pair. -ENOTTY, with *ret_known false: it is none.
long tty_job_ioctl(struct tty *tty, const struct file *file, bool master, u32 command, u64 argument, bool *ret_known);

// devpts.c
__nodiscard int devpts_create(struct inode **ret_root);
__nodiscard int devpts_node(struct tty *tty, struct inode **ret_inode); // its inode, for opening it without a path

// pty.c
__nodiscard int pty_open_master(struct file *file);

// host.c
// The terminal among the standard streams of the caller, a session leader that is about to run its program, becomes its
// controlling terminal. Without one nothing happens.
void host_tty_adopt(void);
