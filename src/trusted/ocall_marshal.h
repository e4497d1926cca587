// SPDX-License-Identifier: BSD-3-Clause
// What the generated stubs are made of: arguments are gathered inside, written to the untrusted arena once, and
// results are copied back once after the check.
#pragma once

#include "abi/occlum/entry.h"

struct ocall_marshal {
    struct ocall_frame frame;
    u64 arena, used; // data placed at arena + sizeof(frame) + ...
    u64 limit;
    int error;
};

void ocall_marshal_begin(struct ocall_marshal *m);
void ocall_marshal_value(struct ocall_marshal *m, int index, u64 value);
void ocall_marshal_string(struct ocall_marshal *m, int index, const char *text);
void ocall_marshal_in(struct ocall_marshal *m, int index, const void *data, size_t count, size_t element);
void ocall_marshal_out(struct ocall_marshal *m, int index, size_t count, size_t element);
s64 ocall_marshal_call(struct ocall_marshal *m, u64 number);
s64 ocall_marshal_check(s64 result, s64 limit, bool fatal);
void ocall_marshal_fetch(struct ocall_marshal *m, int index, void *data, size_t count, size_t element);
// Boot names the word in which the host shows signals that wait to be taken.
void ocall_watch_signals(u64 addr);
// Marks work for the current thread when a signal waits there.
void ocall_note_host_signals(void);
