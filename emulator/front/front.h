// SPDX-License-Identifier: BSD-3-Clause
// What main.c, loop.c and their neighbours share.
#pragma once

#include "front/os/task.h"

void on_syscall(struct task *t); // stopped by a filter, before it runs
int check_machine(void);         // --check; the exit status
void report(double wall_seconds);
void ops_event(void *front, const struct sgx_event *event);
