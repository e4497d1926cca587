// SPDX-License-Identifier: BSD-3-Clause
// NULL-terminated string lists: argv and envp.
#pragma once

#include "base/types.h"

// Copies a program's list; NULL pointer is an empty list. *ret_list is for strings_free. -E2BIG over 2 MiB, -EFAULT,
// -ENOMEM.
__nodiscard int strings_from_user(const u64 __user *user, char ***ret_list);
void strings_free(char **list);
// The words of "a\0b\0", size bytes with another NUL behind them, as a list that points into text. kfree frees it;
// NULL without memory.
char **strings_split(char *text, size_t size);
// "a\0b\0" in one block of kmalloc; NULL when out of memory.
char *strings_flatten(char *const *list, size_t *ret_size);
