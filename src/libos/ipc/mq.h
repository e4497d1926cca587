// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues: what signal/ needs to tell a process of a message (mq_notify(3)).
#pragma once

#include "abi/linux/abi.h"

// Sends the signal of a notification to the process of that pid, if it is still there; signal/ sets it. No lock held.
extern void (*mq_send_signal)(u32 pid, int signo, sigval_t value, u32 sender_pid, u32 sender_uid);
