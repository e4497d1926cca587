// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a file, collected so that one run reports all of it.
#pragma once

#include <stdio.h>

#include "base/types.h"

struct json_pos {
    u32 line, column; // from 1; the column counts bytes. 0, 0: no position
};

enum { CONFIG_MESSAGES_MAX = 200 }; // more are counted, not kept

struct config_errors {
    const char *file; // name shown in front of every message
    char *text;       // messages, one a line; NULL while there is none
    size_t size;      // bytes of text
    unsigned count, warnings;
};

// Appends "file:line:column: message\n". Messages after CONFIG_MESSAGES_MAX are counted, not kept.
void config_error(struct config_errors *errors, struct json_pos pos, const char *format, ...) __printf_like(3, 4);
// The same with "warning: "; a warning does not make a file invalid.
void config_warning(struct config_errors *errors, struct json_pos pos, const char *format, ...) __printf_like(3, 4);
// Prints all messages, and how many more were counted; then clears.
void config_errors_print(struct config_errors *errors, FILE *out);
// Frees the text and resets the counts.
void config_errors_clear(struct config_errors *errors);
