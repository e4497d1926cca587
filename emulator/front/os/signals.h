// SPDX-License-Identifier: BSD-3-Clause
// What a program believes of its signals (signals.c), and their delivery (sigframe.c).
#pragma once

#include "front/os/task.h"

void on_sigaction(struct task *t);
void on_sigprocmask(struct task *t);
bool signal_told_ignored(const struct task *t, int sig);

bool signal_held(struct task *t, int sig, const siginfo_t *info); // true: a sent signal is blocked and waits
void signal_send(struct task *t, int sig, const siginfo_t *info); // to arrive with this siginfo
void signal_release(struct task *t);                              // after a change of hidden_mask
void signal_force(struct task *t, int sig);                       // before a fault's signal is delivered
bool signal_needs_frame(struct task *t, int sig);
bool signal_enter(struct task *t, int sig); // delivers; true: the thread is stopped at its handler
void on_sigreturn(struct task *t);
void on_sigpending(struct task *t);
void on_sigtimedwait(struct task *t);
