// SPDX-License-Identifier: BSD-3-Clause
// Job control: whose terminal it is, who may use it, who hears of it (termios(3), ioctl_tty(2), setsid(2)).
#include <asm/ioctls.h>

#include "libos/process/process.h"
#include "libos/tty/tty.h"
#include "libos/vm/user.h"

static bool is_leader(const struct process *process) { return process->sid == process->pid; }

// The caller would not hear of the signal.
static bool deaf_to(int signo)
{
    struct process_signals *signals = &current_process()->signals;

    spin_lock(&signals->lock);
    bool deaf = (current->blocked & SIGMASK(signo)) || signals->actions[signo - 1].handler == (u64)SIG_IGN;
    spin_unlock(&signals->lock);
    return deaf;
}

int tty_check_job(struct tty *tty, int signo)
{
    struct process *self = current_process();
    int err = 0;

    if (READ_ONCE(self->tty) != tty) // changes it by itself, or at the end of its session
        return 0;
    mutex_lock(&process_lock);
    if (self->tty != tty || !tty->foreground || tty->foreground == self->pgid) {
        err = 0;
    } else if (deaf_to(signo)) {
        err = signo == SIGTTIN ? -EIO : 0;
    } else if (group_is_orphaned(self->pgid, NULL)) {
        err = -EIO;
    } else {
        group_signal(self->pgid, signo);
        err = -ERESTARTSYS;
    }
    mutex_unlock(&process_lock);
    return err;
}

struct tty *tty_of_caller(void)
{
    mutex_lock(&process_lock);
    struct tty *tty = current_process()->tty;
    if (tty)
        tty_ref(tty);
    mutex_unlock(&process_lock);
    return tty;
}

void tty_take(struct tty *tty)
{
    struct process *self = current_process();

    mutex_assert_held(&process_lock);
    tty_ref(tty);
    WRITE_ONCE(self->tty, tty); // looked at without the lock
    self->tty_old_group = 0;
    tty->session = self->sid;
    tty->foreground = self->pgid;
}

void tty_opened(struct tty *tty, const struct file *file)
{
    struct process *self = current_process();

    if ((file->flags & O_NOCTTY) || !file_readable(file))
        return;
    mutex_lock(&process_lock);
    if (is_leader(self) && !self->tty && !tty->session)
        tty_take(tty);
    mutex_unlock(&process_lock);
}

// The terminal controls nobody of the session any more. process_lock held.
static void clear_session(u32 session)
{
    struct process *process;

    list_for_each (process, &process_all, all) {
        struct tty *tty = process->tty;
        if (process->sid != session || !tty)
            continue;
        WRITE_ONCE(process->tty, NULL);
        tty_unref(tty);
    }
}

// Hangs up a terminal; leaves: its session's leader ends. process_lock held; the caller has a reference.
static void hang_up(struct tty *tty, bool leaves)
{
    u32 session = tty->session, foreground = tty->foreground;
    struct process *leader = session ? process_find(session) : NULL;

    // Whoever hears of it finds the files at their end.
    tty->session = tty->foreground = 0;
    tty->ops->hang_up(tty);
    if (session)
        clear_session(session);
    if (leader && !leader->zombie && leader->sid == session) {
        signal_send(leader, NULL, SIGHUP, NULL);
        signal_send(leader, NULL, SIGCONT, NULL);
        leader->tty_old_group = foreground;
    }
    if (leaves && foreground)
        group_signal(foreground, SIGHUP);
}

void tty_hang_up(struct tty *tty)
{
    mutex_lock(&process_lock);
    hang_up(tty, false);
    mutex_unlock(&process_lock);
}

// The leader of a session ends: so does what the terminal has to do with the session. process_lock held.
static void leader_ends(struct process *self)
{
    struct tty *tty = self->tty;

    if (!is_leader(self))
        return;
    if (tty) {
        tty_ref(tty);
        hang_up(tty, true);
        tty_unref(tty);
    }
    if (self->tty_old_group) {
        group_signal(self->tty_old_group, SIGHUP);
        group_signal(self->tty_old_group, SIGCONT);
        self->tty_old_group = 0;
    }
}

static void drop(struct process *process)
{
    struct tty *tty = process->tty;
    WRITE_ONCE(process->tty, NULL);
    tty_unref(tty);
}

static void inherit(struct process *child, const struct process *parent)
{
    child->tty = parent->tty;
    if (child->tty)
        tty_ref(child->tty);
}

static int number(const struct process *process)
{
    return process->tty ? (int)TTY_DEVICE(TTY_MAJOR_PTS, process->tty->index) : 0;
}

static u32 foreground(const struct process *process) { return process->tty ? process->tty->foreground : 0; }

static void line_is_gone(struct process *process)
{
    struct tty *tty = process->tty;

    if (!tty)
        return;
    tty_ref(tty);
    hang_up(tty, false);
    tty_unref(tty);
}

void tty_job_init(void)
{
    process_tty = (struct process_tty_ops){ .inherit = inherit,
                                            .drop = drop,
                                            .leader_ends = leader_ends,
                                            .number = number,
                                            .foreground = foreground,
                                            .hang_up = line_is_gone,
                                            .adopt = host_tty_adopt };
}

void tty_signal_foreground(struct tty *tty, int signo)
{
    mutex_lock(&process_lock);
    if (tty->foreground)
        group_signal(tty->foreground, signo);
    mutex_unlock(&process_lock);
}

// TIOCSCTTY. With process_lock held. Root may take a terminal from another session.
static int take(struct tty *tty, u64 steal)
{
    struct process *self = current_process();

    if (is_leader(self) && tty->session == self->sid)
        return 0;
    if (!is_leader(self) || self->tty)
        return -EPERM;
    if (tty->session) {
        if (steal != 1)
            return -EPERM;
        clear_session(tty->session);
    }
    tty_take(tty);
    return 0;
}

// TIOCNOTTY. With process_lock held.
static int give_up(struct tty *tty)
{
    struct process *self = current_process();

    if (self->tty != tty)
        return -ENOTTY;
    if (is_leader(self)) {
        if (tty->foreground) {
            group_signal(tty->foreground, SIGHUP);
            group_signal(tty->foreground, SIGCONT);
        }
        tty->session = tty->foreground = 0;
        clear_session(self->sid);
    }
    if (self->tty)
        drop(self);
    return 0;
}

static long set_foreground(struct tty *tty, u64 argument)
{
    struct process *self = current_process();
    int group;

    long err = tty_check_job(tty, SIGTTOU);
    if (err)
        return err == -EIO ? -ENOTTY : err;
    if (get_user(group, argument))
        return -EFAULT;
    if (group < 0)
        return -EINVAL;
    mutex_lock(&process_lock);
    u32 session = group_session((u32)group);
    if (self->tty != tty || tty->session != self->sid)
        err = -ENOTTY;
    else if (!session)
        err = -ESRCH;
    else if (session != self->sid)
        err = -EPERM;
    else
        tty->foreground = (u32)group;
    mutex_unlock(&process_lock);
    return err;
}

static long get_id(struct tty *tty, bool master, u32 command, u64 argument)
{
    mutex_lock(&process_lock);
    u32 id = command == TIOCGSID ? tty->session : tty->foreground;
    bool ours = master || current_process()->tty == tty;
    mutex_unlock(&process_lock);
    if (!ours || (command == TIOCGSID && !id))
        return -ENOTTY;
    return put_user(id, (u32 __user *)argument) ? -EFAULT : 0;
}

long tty_job_ioctl(struct tty *tty, const struct file *file, bool master, u32 command, u64 argument, bool *ret_known)
{
    long err;

    *ret_known = true;
    switch (command) {
    case TIOCSCTTY:
        mutex_lock(&process_lock);
        err = master ? -EIO : take(tty, argument);
        mutex_unlock(&process_lock);
        return err;
    case TIOCNOTTY:
        mutex_lock(&process_lock);
        err = give_up(tty);
        mutex_unlock(&process_lock);
        return err;
    case TIOCGPGRP:
    case TIOCGSID:
        return get_id(tty, master, command, argument);
    case TIOCSPGRP:
        return set_foreground(tty, argument);
    default:
        *ret_known = false;
        return -ENOTTY;
    }
}
