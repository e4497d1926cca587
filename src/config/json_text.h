// SPDX-License-Identifier: BSD-3-Clause
// The characters of a JSON text: positions, white space and comments, strings, numbers.
#pragma once

#include "config/errors.h"

struct json_text {
    const char *at, *end;
    struct json_pos pos; // of *at
    struct config_errors *errors;
    bool failed; // a syntax error was reported; later ones would only follow from it
};

// The byte at the position, -1 at the end.
static inline int json_peek(const struct json_text *in) { return in->at < in->end ? (unsigned char)*in->at : -1; }
void json_next(struct json_text *in);
// Skips white space and comments; an unclosed comment fails.
void json_skip(struct json_text *in);
// Reports "found <the next character>; expected <what>" once.
void json_expected(struct json_text *in, const char *what);
// True if word stands here and ends here; then skips it.
bool json_word(struct json_text *in, const char *word);
// The malloc'ed contents of the string that begins here, or NULL after an error.
char *json_string(struct json_text *in);
// The malloc'ed text of the number that begins here, or NULL after an error.
char *json_number(struct json_text *in);
// Refuses NUL bytes and bytes that are no UTF-8 (RFC 3629). Does not move.
bool json_check_bytes(struct json_text *in);
