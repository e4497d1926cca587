// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that stand for processes (pidfd_open(2)). They lead to a process as long as it is not reaped, by a handle
// that outlives it: no number is ever used again for another one.
#pragma once

#include "base/types.h"

struct file;
struct process;

// A file for the process. flags: O_NONBLOCK. With process_lock held. -ENOMEM.
__nodiscard int pidfd_make(struct process *process, u32 flags, struct file **ret_file);
// The caller's descriptor, if it stands for a process (proc_too: or is a folder /proc/PID), referenced. -EBADF.
__nodiscard int pidfd_get(int fd, bool proc_too, struct file **ret_file);
// What a file of pidfd_get stands for; NULL: it is reaped. With process_lock held.
struct process *pidfd_process(const struct file *file);
bool pidfd_nonblocking(const struct file *file);
// The process ended: who polls looks. With process_lock held.
void pidfd_tell(struct process *process);
// It is reaped: its handle leads nowhere from now on. With process_lock held.
void pidfd_forget(struct process *process);
