// SPDX-License-Identifier: BSD-3-Clause
// Keys: special characters, flow control, lines that can be read.
#include "libos/tty/discipline.h"
#include "base/string.h"
#include "libos/tty/edit.h"

#include <asm/ioctls.h>

enum { DISABLED = 0 }; // a special character that is none; in a line's end: it was VEOF

void discipline_init(struct discipline *d)
{
    static const u8 keys[] = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0 };

    d->termios = (struct termios2){
        .c_iflag = ICRNL | IXON,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = B38400 | CS8 | CREAD,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_ispeed = 38400,
        .c_ospeed = 38400,
    };
    memcpy(d->termios.c_cc, keys, sizeof(keys));
}

static bool is_key(const struct discipline *d, u8 c, int which) { return c == d->termios.c_cc[which] && c != DISABLED; }

bool input_ends_line(const struct discipline *d, u64 at) { return d->line_end[at % INPUT_SIZE / 8] & (1u << (at % 8)); }

static void put(struct discipline *d, u8 c, bool ends_line)
{
    u64 at = d->head++;
    u8 bit = (u8)(1u << (at % 8)), *flags = &d->line_end[at % INPUT_SIZE / 8];

    d->input[at % INPUT_SIZE] = c;
    *flags = (u8)(ends_line ? *flags | bit : *flags & ~bit);
}

void discipline_stop(struct discipline *d, bool hold)
{
    bool *flag = hold ? &d->held : &d->stopped;
    if (!*flag)
        d->packet = (u8)((d->packet & ~TIOCPKT_START) | TIOCPKT_STOP);
    *flag = true;
}

void discipline_start(struct discipline *d, bool hold)
{
    if (hold)
        d->held = false;
    else if (d->held)
        return;
    if (d->stopped || hold)
        d->packet = (u8)((d->packet & ~TIOCPKT_STOP) | TIOCPKT_START);
    d->stopped = false;
}

void discipline_flush_input(struct discipline *d)
{
    d->tail = d->canon_head = d->head;
    d->literal = d->erasing = false;
    d->packet |= TIOCPKT_FLUSHREAD;
}

// ^C, ^\, ^Z. False: none of these.
static bool receive_signal(struct discipline *d, u8 c)
{
    static const struct {
        u8 key, signo;
    } signals[] = { { VINTR, SIGINT }, { VQUIT, SIGQUIT }, { VSUSP, SIGTSTP } };

    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        if (!is_key(d, c, signals[i].key))
            continue;
        d->signals |= 1u << signals[i].signo;
        if (!(local_flags(d) & NOFLSH)) {
            discipline_flush_input(d);
            discipline_flush_output(d);
        }
        if (input_flags(d) & IXON)
            discipline_start(d, false);
        if (local_flags(d) & ECHO)
            output_echo(d, c);
        return true;
    }
    return false;
}

static void end_line(struct discipline *d, u8 c)
{
    put(d, c, true);
    d->canon_head = d->head;
}

static void echo(struct discipline *d, u8 c)
{
    edit_finish_erasing(d);
    if (d->canon_head == d->head)
        d->canon_column = d->column;
    output_echo(d, c);
}

// What ends a line: NL, ^D and the two more that can be set. False: none of these.
static bool receive_line_end(struct discipline *d, u8 c)
{
    bool second = (local_flags(d) & IEXTEN) && is_key(d, c, VEOL2);

    if (c == '\n') {
        if (local_flags(d) & (ECHO | ECHONL))
            output_echo_raw(d, c);
    } else if (is_key(d, c, VEOF)) {
        c = DISABLED;
    } else if (is_key(d, c, VEOL) || second) {
        if (local_flags(d) & ECHO)
            echo(d, c);
        if (c == 0xff && (input_flags(d) & PARMRK))
            put(d, c, false);
    } else {
        return false;
    }
    end_line(d, c);
    return true;
}

// Keys that edit the line. False: none of these.
static bool receive_edit(struct discipline *d, u8 c)
{
    bool extended = local_flags(d) & IEXTEN;

    if (is_key(d, c, VERASE) || is_key(d, c, VKILL) || (is_key(d, c, VWERASE) && extended)) {
        edit_erase(d, c);
        return true;
    }
    if (is_key(d, c, VLNEXT) && extended) {
        d->literal = true;
        if (local_flags(d) & ECHO) {
            edit_finish_erasing(d);
            if (local_flags(d) & ECHOCTL) {
                output_echo_plain(d, '^');
                output_echo_plain(d, '\b');
            }
        }
        return true;
    }
    if (is_key(d, c, VREPRINT) && extended && (local_flags(d) & ECHO)) {
        edit_reprint(d, c);
        return true;
    }
    return receive_line_end(d, c);
}

// A line end that comes here is shown as ^J, but for one that CR became.
static void receive_ordinary(struct discipline *d, u8 c, bool was_return)
{
    if ((local_flags(d) & ECHO) && c == '\n' && was_return) {
        edit_finish_erasing(d);
        output_echo_raw(d, c);
    } else if (local_flags(d) & ECHO) {
        echo(d, c);
    }
    if (c == 0xff && (input_flags(d) & PARMRK))
        put(d, c, false);
    put(d, c, false);
}

static bool receive_flow(struct discipline *d, u8 c)
{
    if (!(input_flags(d) & IXON))
        return false;
    if (is_key(d, c, VSTART))
        discipline_start(d, false);
    else if (is_key(d, c, VSTOP))
        discipline_stop(d, false);
    else
        return false;
    return true;
}

static void receive_one(struct discipline *d, u8 c)
{
    if (input_flags(d) & ISTRIP)
        c &= 0x7f;
    if ((input_flags(d) & IUCLC) && (local_flags(d) & IEXTEN) && c >= 'A' && c <= 'Z')
        c = (u8)(c - 'A' + 'a');
    if (d->literal) {
        d->literal = false;
        receive_ordinary(d, c, false);
        return;
    }
    if (receive_flow(d, c))
        return;
    if ((local_flags(d) & ISIG) && receive_signal(d, c))
        return;
    if (d->stopped && (input_flags(d) & IXON) && (input_flags(d) & IXANY))
        discipline_start(d, false);
    bool was_return = c == '\r';
    if (was_return) {
        if (input_flags(d) & IGNCR)
            return;
        if (input_flags(d) & ICRNL)
            c = '\n';
    } else if (c == '\n' && (input_flags(d) & INLCR)) {
        c = '\r';
    }
    if (!(local_flags(d) & ICANON) || !receive_edit(d, c))
        receive_ordinary(d, c, was_return);
}

// Without a line to read, keys come in all the same, for one of them may erase: what is too much is dropped.
static bool drops(const struct discipline *d) { return (local_flags(d) & ICANON) && d->canon_head == d->tail; }

// With PARMRK a byte may become two.
static size_t room(const struct discipline *d)
{
    size_t free = INPUT_SIZE - (size_t)(d->head - d->tail);
    size_t each = input_flags(d) & PARMRK ? 2 : 1;
    return free > 1 ? (free - 1) / each : 0;
}

bool discipline_accepts(const struct discipline *d) { return room(d) || drops(d); }

size_t discipline_receive(struct discipline *d, const u8 *data, size_t n)
{
    size_t done = 0;

    for (; done < n && discipline_accepts(d); done++) {
        // The last one makes place: it is the end of the line that counts.
        while (INPUT_SIZE - (d->head - d->tail) < (input_flags(d) & PARMRK ? 2u : 1u))
            d->head--;
        receive_one(d, data[done]);
    }
    return done;
}

bool discipline_has_input(const struct discipline *d, size_t least)
{
    if (local_flags(d) & ICANON)
        return d->canon_head != d->tail;
    return d->head - d->tail >= MAX(least, (size_t)1);
}

static size_t take_line(struct discipline *d, u8 *data, size_t n)
{
    size_t done = 0;

    while (d->tail < d->canon_head) {
        bool end = input_ends_line(d, d->tail);
        u8 c = d->input[d->tail % INPUT_SIZE];
        if (end && c == DISABLED) { // ^D: ends what was read, and is not read itself
            d->tail++;
            break;
        }
        if (done == n)
            break;
        data[done++] = c;
        d->tail++;
        if (end)
            break;
    }
    return done;
}

size_t discipline_take_input(struct discipline *d, u8 *data, size_t n)
{
    size_t done = 0;

    if (local_flags(d) & ICANON)
        return take_line(d, data, n);
    while (done < n && d->tail < d->head)
        data[done++] = d->input[d->tail++ % INPUT_SIZE];
    d->canon_head = MAX(d->canon_head, d->tail);
    return done;
}

size_t discipline_input_size(const struct discipline *d)
{
    if (!(local_flags(d) & ICANON))
        return (size_t)(d->head - d->tail);
    size_t count = 0;
    for (u64 at = d->tail; at < d->canon_head; at++)
        count += !(input_ends_line(d, at) && d->input[at % INPUT_SIZE] == DISABLED);
    return count;
}

// What was typed before becomes readable in either mode: on the way into lines it is a line of its own.
static void change_mode(struct discipline *d)
{
    if ((local_flags(d) & ICANON) && d->head != d->tail) {
        for (u64 at = d->tail; at < d->head; at++)
            d->line_end[at % INPUT_SIZE / 8] &= (u8) ~(1u << (at % 8));
        u64 last = d->head - 1;
        d->line_end[last % INPUT_SIZE / 8] |= (u8)(1u << (last % 8));
        d->canon_head = d->head;
    } else {
        d->canon_head = d->tail;
    }
    d->literal = d->erasing = false;
}

void discipline_set(struct discipline *d, const struct termios2 *termios)
{
    struct termios2 old = d->termios;
    bool flowed = (old.c_iflag & IXON) && old.c_cc[VSTOP] == 19 && old.c_cc[VSTART] == 17;

    d->termios = *termios;
    d->termios.c_cflag = (d->termios.c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
    bool flows = (input_flags(d) & IXON) && d->termios.c_cc[VSTOP] == 19 && d->termios.c_cc[VSTART] == 17;
    if (flowed != flows) {
        d->packet &= (u8) ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
        d->packet |= flows ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    }
    if ((old.c_lflag ^ termios->c_lflag) & ICANON)
        change_mode(d);
    if (!(input_flags(d) & IXON) && (old.c_iflag & IXON))
        discipline_start(d, false);
}
