// SPDX-License-Identifier: BSD-3-Clause
#include "libos/tty/edit.h"

enum erase_kind { ERASE_ONE, ERASE_WORD, ERASE_LINE };

static u8 at(const struct discipline *d, u64 position) { return d->input[position % INPUT_SIZE]; }

static bool is_word(u8 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0xc0;
}

void edit_finish_erasing(struct discipline *d)
{
    if (!d->erasing)
        return;
    output_echo_raw(d, '/');
    d->erasing = false;
}

// Where the last character begins that is not yet erased.
static u64 last_character(const struct discipline *d)
{
    u64 position = d->head;
    do {
        position--;
    } while (is_continuation(d, at(d, position)) && position != d->canon_head);
    return position;
}

// Columns that the line takes up to its end, or from the last tab in it.
static u32 columns(const struct discipline *d, bool *ret_after_tab)
{
    u32 count = 0;

    *ret_after_tab = false;
    for (u64 position = d->head; position != d->canon_head;) {
        u8 c = at(d, --position);
        if (c == '\t') {
            *ret_after_tab = true;
            break;
        }
        if (is_control(c))
            count += local_flags(d) & ECHOCTL ? 2 : 0;
        else if (!is_continuation(d, c))
            count++;
    }
    return count;
}

static void rub_out(struct discipline *d)
{
    output_echo_plain(d, '\b');
    output_echo_plain(d, ' ');
    output_echo_plain(d, '\b');
}

// Takes the character [head, end) off the screen; head is already where it began.
static void show_erased(struct discipline *d, enum erase_kind kind, u64 end)
{
    u8 c = at(d, d->head);
    bool after_tab;

    if (local_flags(d) & ECHOPRT) {
        if (!d->erasing)
            output_echo_raw(d, '\\');
        d->erasing = true;
        output_echo(d, c);
        for (u64 position = d->head + 1; position < end; position++)
            output_echo_plain(d, at(d, position));
    } else if (kind == ERASE_ONE && !(local_flags(d) & ECHOE)) {
        output_echo(d, d->termios.c_cc[VERASE]);
    } else if (c == '\t') {
        u32 count = columns(d, &after_tab);
        output_erase_tab(d, count, after_tab);
    } else {
        if (is_control(c) && (local_flags(d) & ECHOCTL))
            rub_out(d);
        if (!is_control(c) || (local_flags(d) & ECHOCTL))
            rub_out(d);
    }
}

static enum erase_kind kind_of(const struct discipline *d, u8 key)
{
    if (key == d->termios.c_cc[VERASE])
        return ERASE_ONE;
    return key == d->termios.c_cc[VWERASE] ? ERASE_WORD : ERASE_LINE;
}

static void erase(struct discipline *d, enum erase_kind kind)
{
    bool seen_word = false;

    while (d->head != d->canon_head) {
        u64 begin = last_character(d), end = d->head;
        u8 c = at(d, begin);
        if (is_continuation(d, c))
            break; // a part of a character: not by halves
        if (kind == ERASE_WORD) {
            if (!is_word(c) && seen_word)
                break;
            seen_word |= is_word(c);
        }
        d->head = begin;
        if (local_flags(d) & ECHO)
            show_erased(d, kind, end);
        if (kind == ERASE_ONE)
            break;
    }
    if (d->head == d->canon_head && (local_flags(d) & ECHO))
        edit_finish_erasing(d);
}

void edit_erase(struct discipline *d, u8 key)
{
    enum erase_kind kind = kind_of(d, key);
    const u32 visibly = ECHOK | ECHOKE | ECHOE;

    if (d->head == d->canon_head)
        return;
    if (kind == ERASE_LINE && !(local_flags(d) & ECHO)) {
        d->head = d->canon_head;
    } else if (kind == ERASE_LINE && (local_flags(d) & visibly) != visibly) {
        d->head = d->canon_head;
        edit_finish_erasing(d);
        output_echo(d, key);
        if (local_flags(d) & ECHOK)
            output_echo_raw(d, '\n');
    } else {
        erase(d, kind);
    }
}

void edit_reprint(struct discipline *d, u8 key)
{
    edit_finish_erasing(d);
    output_echo(d, key);
    output_echo_raw(d, '\n');
    for (u64 position = d->canon_head; position != d->head; position++)
        output_echo(d, at(d, position));
}
