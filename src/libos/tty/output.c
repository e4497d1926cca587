// SPDX-License-Identifier: BSD-3-Clause
// What is shown: output as OPOST and its kin change it, and the echo of keys.
#include "libos/tty/discipline.h"
#include "base/string.h"

size_t discipline_output_size(const struct discipline *d) { return (size_t)(d->out_head - d->out_tail); }

static size_t room(const struct discipline *d) { return OUTPUT_SIZE - discipline_output_size(d); }

// Echo beyond what there is room for is lost, as nobody could be made to wait for it.
static void put(struct discipline *d, u8 c)
{
    if (room(d))
        d->output[d->out_head++ % OUTPUT_SIZE] = c;
}

// The column behind a character that moves the cursor by itself.
static void advance(struct discipline *d, u8 c)
{
    if (c == '\b')
        d->column -= d->column > 0;
    else if (!is_control(c) && !is_continuation(d, c))
        d->column++;
}

static void put_newline(struct discipline *d)
{
    if (d->termios.c_oflag & ONLRET)
        d->column = 0;
    if (d->termios.c_oflag & ONLCR) {
        d->column = 0;
        put(d, '\r');
    }
    d->canon_column = d->column;
    put(d, '\n');
}

static void put_return(struct discipline *d)
{
    if ((d->termios.c_oflag & ONOCR) && d->column == 0)
        return;
    if (d->termios.c_oflag & OCRNL) {
        if (d->termios.c_oflag & ONLRET)
            d->canon_column = d->column = 0;
        put(d, '\n');
        return;
    }
    d->canon_column = d->column = 0;
    put(d, '\r');
}

static void put_tab(struct discipline *d)
{
    u32 spaces = 8 - (d->column & 7);

    d->column += spaces;
    if ((d->termios.c_oflag & TABDLY) != XTABS) {
        put(d, '\t');
        return;
    }
    while (spaces--)
        put(d, ' ');
}

static void put_processed(struct discipline *d, u8 c)
{
    switch (c) {
    case '\n':
        put_newline(d);
        break;
    case '\r':
        put_return(d);
        break;
    case '\t':
        put_tab(d);
        break;
    default:
        if ((d->termios.c_oflag & OLCUC) && c >= 'a' && c <= 'z')
            c = (u8)(c - 'a' + 'A');
        advance(d, c);
        put(d, c);
    }
}

bool discipline_accepts_output(const struct discipline *d) { return !d->stopped && !d->held && room(d) >= 8; }

size_t discipline_write(struct discipline *d, const u8 *data, size_t n)
{
    bool process = d->termios.c_oflag & OPOST;
    size_t done = 0;

    for (; done < n && discipline_accepts_output(d); done++) { // eight: a tab as spaces
        if (process)
            put_processed(d, data[done]);
        else
            put(d, data[done]);
    }
    return done;
}

size_t discipline_take_output(struct discipline *d, u8 *data, size_t n)
{
    size_t done = 0;
    while (done < n && d->out_tail < d->out_head)
        data[done++] = d->output[d->out_tail++ % OUTPUT_SIZE];
    return done;
}

void discipline_flush_output(struct discipline *d) { d->out_tail = d->out_head; }

void output_echo_plain(struct discipline *d, u8 c)
{
    if (c == '\b' && d->column)
        d->column--;
    else if (!is_control(c))
        d->column++;
    put(d, c);
}

void output_echo_raw(struct discipline *d, u8 c)
{
    if (d->termios.c_oflag & OPOST)
        put_processed(d, c);
    else
        put(d, c);
}

void output_echo(struct discipline *d, u8 c)
{
    if ((local_flags(d) & ECHOCTL) && is_control(c) && c != '\t') {
        output_echo_plain(d, '^');
        output_echo_plain(d, c ^ 0100);
        return;
    }
    output_echo_raw(d, c);
}

void output_erase_tab(struct discipline *d, u32 columns, bool after_tab)
{
    if (!after_tab)
        columns += d->canon_column;
    for (u32 back = 8 - (columns & 7); back; back--)
        output_echo_plain(d, '\b');
}
