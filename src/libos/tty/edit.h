// SPDX-License-Identifier: BSD-3-Clause
// Editing the line that is being typed.
#pragma once

#include "libos/tty/discipline.h"

// key is VERASE, VKILL or VWERASE. Takes off the end of the line, and off the screen as ECHOE, ECHOK, ECHOKE and
// ECHOPRT have it.
void edit_erase(struct discipline *d, u8 key);
void edit_finish_erasing(struct discipline *d);  // the / that ends what ECHOPRT shows
void edit_reprint(struct discipline *d, u8 key); // shows the line anew
bool input_ends_line(const struct discipline *d, u64 at);
