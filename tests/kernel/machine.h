// SPDX-License-Identifier: BSD-3-Clause
// trusted/usercopy.S under other names: what a processor does, with the fault as an answer.
#pragma once

#include "base/types.h"

size_t machine_copy(void *dst, const void *src, size_t n);
size_t machine_clear(void *dst, size_t n);
long machine_string(char *dst, const char *src, size_t n);
bool machine_cmpxchg(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault);
