// SPDX-License-Identifier: BSD-3-Clause
#include <signal.h>

#include "platform/platform.h"

int platform_interrupt_signal(void) { return SIGRTMIN + 5; }

struct platform_counts platform_counts;
