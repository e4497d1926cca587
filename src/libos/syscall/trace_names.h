// SPDX-License-Identifier: BSD-3-Clause
// Names that the trace shows for numbers.
#pragma once

#include "base/types.h"

struct trace_name {
    u64 value, mask; // it is set when the bits of mask (0: of value) are value
    const char *name;
};

struct trace_flags {
    bool one; // the value is one of the names, not a sum
    const struct trace_name *names;
};

// Of argument `index` of a call, or NULL.
const struct trace_flags *trace_flags_of(const char *call, u32 index);
const char *trace_error_name(int error); // NULL: it has none
bool trace_answers_address(const char *call);
bool trace_answers_data(const char *call); // read(2) and its like: (fd, buffer, size)
bool trace_does_not_return(const char *call);
