// SPDX-License-Identifier: BSD-3-Clause
// A small printf: %d %i %u %o %x %X %p %s %c %% with the flags 0 - + space #, width, precision and h hh l ll z.
#pragma once

#include "base/types.h"

// Formats into buf (size bytes, always NUL-terminated when size > 0). Returns the length the full
// text has, as snprintf(3) does: a result >= size means the text was cut.
size_t fmt_vformat(char *buf, size_t size, const char *format, va_list args) __printf_like(3, 0);
size_t fmt_format(char *buf, size_t size, const char *format, ...) __printf_like(3, 4);
