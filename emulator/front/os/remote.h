// SPDX-License-Identifier: BSD-3-Clause
// A traced thread, stopped: its memory, its registers, and system calls that it makes for the supervisor.
#pragma once

#include "front/os/task.h"

__nodiscard int remote_read(struct task *t, u64 address, void *data, size_t size);
int remote_write(struct task *t, u64 address, const void *data, size_t size);
void remote_get(struct task *t);
void remote_put(struct task *t);
long remote_call(struct task *t, long nr, const u64 args[6]);
long remote_finish(struct task *t); // lets the (changed) pending system call run; its result
void remote_skip(struct task *t, long result);
bool remote_wait(struct task *t, int *ret_status); // false: the thread is gone
void remote_get_xsave(struct task *t);
void remote_put_xsave(struct task *t);
