// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "base/types.h"
size_t usercopy_raw(void *dst, const void *src, size_t n);
size_t userclear_raw(void *dst, size_t n);
long userstr_raw(char *dst, const char *src, size_t n);
