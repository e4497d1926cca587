// SPDX-License-Identifier: BSD-3-Clause
// All terminals, by number.
#include "libos/sync/ref.h"
#include "libos/time/time.h"
#include "libos/tty/tty.h"

static struct spinlock table_lock = SPINLOCK_INIT(LOCK_TTYS);
static struct tty *table[TTY_MAX];

int tty_register(struct tty *tty, const struct tty_ops *ops)
{
    refcount_init(&tty->refs, 1);
    tty->ops = ops;
    tty->index = -1;
    tty->mode = 0620;
    tty->gid = 5; // the group tty, as mount(8) does it
    tty->made = time_realtime_ns();
    spin_lock(&table_lock);
    for (int i = 0; i < TTY_MAX && tty->index < 0; i++)
        if (!table[i]) {
            table[i] = tty;
            tty->index = i;
        }
    spin_unlock(&table_lock);
    return tty->index < 0 ? -ENOSPC : 0;
}

void tty_unregister(struct tty *tty)
{
    spin_lock(&table_lock);
    if (table[tty->index] == tty)
        table[tty->index] = NULL;
    spin_unlock(&table_lock);
}

struct tty *tty_find(int index)
{
    struct tty *tty = NULL;

    if (index < 0 || index >= TTY_MAX)
        return NULL;
    spin_lock(&table_lock);
    if (table[index] && refcount_get_unless_zero(&table[index]->refs))
        tty = table[index];
    spin_unlock(&table_lock);
    return tty;
}

int tty_next(int index)
{
    int found = -1;

    spin_lock(&table_lock);
    for (int i = MAX(index, 0); i < TTY_MAX && found < 0; i++)
        if (table[i])
            found = i;
    spin_unlock(&table_lock);
    return found;
}

void tty_unref(struct tty *tty)
{
    if (!tty || !refcount_put(&tty->refs))
        return;
    tty_unregister(tty);
    tty->ops->release(tty);
}
