// SPDX-License-Identifier: BSD-3-Clause
// Made-up arguments for the stubs of host calls: what gen-ocalls.py's fuzz-c is made of.
#pragma once

#include "user.h"

u64 fuzz_value(struct user_random *random);
u64 fuzz_size(struct user_random *random); // number of elements: mostly few, sometimes more than any arena holds
char *fuzz_string(struct user_random *random);
// A block of exactly that size for the sanitizer to watch; of one byte where a stub must refuse the size.
void *fuzz_buffer(u64 count, size_t element);
void fuzz_buffer_free(void *buffer);
// A stub returns an errno of the host or what the table allows.
void fuzz_check(const char *name, s64 result, s64 limit);

extern void (*const fuzz_stubs[])(struct user_random *random);
extern const u32 fuzz_stubs_count;
