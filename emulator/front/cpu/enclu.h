// SPDX-License-Identifier: BSD-3-Clause
// ENCLU, faults, and the way out by an exception.
#pragma once

#include "front/cpu/view.h"

// True if the signal is dealt with, else *info is delivered
bool on_enclu(struct task *t, siginfo_t *info);
bool on_fault(struct task *t, siginfo_t *info);
bool deliver_exception(struct task *t, u32 vector, u32 code, u64 address, siginfo_t *info);
bool at_enclu(struct task *t);
bool resume_now(struct task *t, siginfo_t *info);
void enclave_exit_async(struct task *t, u32 vector, u32 code, u64 address);

// What the CPU asks of the operating system; driver/ has it.
int encl_fault(struct task *t, struct view *v, u64 page); // the driver's fault handler: 0, -EBUSY done, -EFAULT
void script_event(struct task *t, const char *event);
