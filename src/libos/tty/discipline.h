// SPDX-License-Identifier: BSD-3-Clause
// The line discipline of a terminal inside, N_TTY (termios(3), ioctl_tty(2)): what keys become lines, signals and echo,
// and what programs write becomes. No locks and nobody to wake here: the owner (pty.c) has its lock held around all of
// it, and afterwards sends the signals and wakes.
#pragma once

#include <asm/termbits.h>

#include "abi/linux/abi.h"

// Bytes; powers of two. Input is as long as Linux' N_TTY_BUF_SIZE: longer lines are cut.
enum { INPUT_SIZE = 4096, OUTPUT_SIZE = 16384 };

struct discipline {
    struct termios2 termios;
    // Positions only grow; the byte at one lies at its rest by the size. [tail, canon_head) is what a reader of lines
    // may have, [canon_head, head) the line that is being edited.
    u64 head, canon_head, tail;
    u32 column, canon_column; // of the cursor; where the edited line began
    bool literal;             // ^V came: the next key means itself
    bool erasing;             // within \.../ of ECHOPRT
    bool stopped;             // by ^S
    bool held;                // by TCOOFF, or an end of the pair: only TCOON lets it go on
    u32 signals;              // mask of 1 << signal that input raised, for the owner to take
    u8 packet;                // TIOCPKT_* that happened, likewise
    u64 out_head, out_tail;
    u8 line_end[INPUT_SIZE / 8]; // a bit for each byte that ends a line
    u8 input[INPUT_SIZE];
    u8 output[OUTPUT_SIZE];
};

// As Linux begins a pty: canonical, echoing, CR to NL, NL to CR NL. *d is all zero before.
void discipline_init(struct discipline *d);
// New settings; what must change with them.
void discipline_set(struct discipline *d, const struct termios2 *termios);
// Keys come. Returns how many were taken: fewer than n when there is no room until somebody reads.
size_t discipline_receive(struct discipline *d, const u8 *data, size_t n);
bool discipline_accepts(const struct discipline *d); // at least one more
// A program writes. Returns how many bytes were taken: fewer when output is stopped or full.
size_t discipline_write(struct discipline *d, const u8 *data, size_t n);
// Output to whoever shows it. Returns the count.
size_t discipline_take_output(struct discipline *d, u8 *data, size_t n);
// A reader finds something: a line, or in raw mode at least `least` bytes.
bool discipline_has_input(const struct discipline *d, size_t least);
// Takes what discipline_has_input promised: of a line as much as fits, 0 for an end of file.
size_t discipline_take_input(struct discipline *d, u8 *data, size_t n);
size_t discipline_input_size(const struct discipline *d); // FIONREAD
size_t discipline_output_size(const struct discipline *d);
bool discipline_accepts_output(const struct discipline *d);
void discipline_flush_input(struct discipline *d);
void discipline_flush_output(struct discipline *d);
void discipline_start(struct discipline *d, bool hold); // hold: also what TCOOFF stopped
void discipline_stop(struct discipline *d, bool hold);

// output.c, for discipline.c
void output_echo(struct discipline *d, u8 c);       // with ECHOCTL ^C for a control character
void output_echo_raw(struct discipline *d, u8 c);   // as it is, but for OPOST
void output_echo_plain(struct discipline *d, u8 c); // past OPOST
void output_erase_tab(struct discipline *d, u32 columns, bool after_tab);

static inline u32 input_flags(const struct discipline *d) { return d->termios.c_iflag; }
static inline u32 local_flags(const struct discipline *d) { return d->termios.c_lflag; }
static inline bool is_continuation(const struct discipline *d, u8 c)
{
    return (input_flags(d) & IUTF8) && (c & 0xc0) == 0x80;
}
static inline bool is_control(u8 c) { return c < 0x20 || c == 0x7f; }
