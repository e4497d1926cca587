// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// At boot, before file systems are mounted.
void tty_init(void);
