// SPDX-License-Identifier: BSD-3-Clause
// What is said to the user: errors with their places, warnings, and what is done. Nothing stops at the first error.
#pragma once

#include <stdio.h>

#include "base/types.h"

enum report_level { REPORT_OFF, REPORT_ERROR, REPORT_WARN, REPORT_INFO, REPORT_DEBUG, REPORT_TRACE };

struct place {
    const char *file; // NULL: the message has no place
    u32 line, column; // from 1; 0: the file as a whole
};

enum { REPORT_ERRORS_MAX = 200 }; // more are counted, not printed

struct report {
    FILE *out;
    enum report_level level;
    unsigned errors, warnings;
};

// An error is printed at every level: it is why the exit status is not 0.
void report_error(struct report *report, struct place place, const char *format, ...) __printf_like(3, 4);
void report_warning(struct report *report, struct place place, const char *format, ...) __printf_like(3, 4);
// Replaces control characters, so that no name reaches the terminal as more than text.
void report_mask(char *text);
// One line if `level` is at or below the level of the report.
void report_note(struct report *report, enum report_level level, const char *format, ...) __printf_like(3, 4);

// The level that OCCLUM_LOG_LEVEL names (NULL: the default, warn). Returns false for a word that is no level.
__nodiscard bool report_parse_level(const char *word, enum report_level *ret);
