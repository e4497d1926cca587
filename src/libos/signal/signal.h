// SPDX-License-Identifier: BSD-3-Clause
// Signals: actions per process, queues per process and per thread, delivery on the way back to the program.
#pragma once

#include "abi/linux/abi.h"
#include "libos/tree/signals.h"
#include "trusted/regs.h"

struct process;
struct thread;

void signals_init(struct process_signals *signals, struct process_signals *inherit); // inherit may be NULL
void signals_free(struct process_signals *signals);
__nodiscard int signals_thread_init(struct thread *thread, const struct thread *creator);
void signals_thread_free(struct thread *thread);
u64 signals_waiting(struct process_signals *signals, u64 mask); // for the process, of mask
u64 signal_thread_pending(const struct thread *thread);         // directed at it alone. Process signals' lock held
struct signal_action signals_action(struct process_signals *signals, int signo); // what is to be done on signo
// True if ended children are to vanish without wait: SIGCHLD is ignored or has SA_NOCLDWAIT.
bool signals_discard_children(struct process_signals *signals);
// execve: handlers go back to the default, ignored stay ignored.
void signals_reset(struct process_signals *signals);

// Sends to a process (thread NULL) or one of its threads. info may be NULL (kernel signal). With process_lock held;
// only a signal to the current thread itself, other than SIGCONT, SIGKILL and the stops, needs none. 0 or -EAGAIN (too
// many queued).
int signal_send(struct process *process, struct thread *thread, int signo, const siginfo_t *info);
// A thread (`from`, or one that left the list) no longer takes the signals of mask: those that wait for its process are
// told to the others. With process_lock held.
void signal_retarget(struct process *process, const struct thread *from, u64 mask);
// Every change of the current thread's mask: SIGKILL and SIGSTOP are never blocked; what is now deliverable is
// delivered before the program runs on, what is now blocked goes to another thread. No spinlock may be held.
void signal_set_blocked(u64 mask);
// The same for the length of a system call: the mask there was is kept in saved_blocked, and the next
// signal_set_blocked ends the loan.
void signal_borrow_mask(u64 mask);
// The action of the current process for signo has become to ignore it: what waits of it is forgotten. No lock held.
void signal_forget_ignored(int signo);
// sigaltstack(2) at stack pointer sp. signal_altstack_get: what is set; signal_altstack_set: 0, -EPERM (it is being
// used), -EINVAL (flags), -ENOMEM (too small).
void signal_altstack_get(u64 sp, stack_t *ret_stack);
__nodiscard int signal_altstack_set(u64 sp, const stack_t *stack);
void signal_child_event(struct process *parent, struct process *child); // SIGCHLD, with process_lock held
// A signal raised by what the current thread did; a blocked or ignored one kills.
void signal_force(struct user_regs *regs, int signo, int code, u64 addr, u32 trapno, u64 error);
void signal_raise_page_fault(struct user_regs *regs, u64 addr, u32 error, int reason);
void signal_raise_exception(struct user_regs *regs, u32 vector, u32 error);
void signal_from_host(int signo);      // from the terminal or another host process; process/ has it
extern void (*signal_host_hook)(void); // takes what signals of the host wait, and passes them on

// What is shared by the system calls that send (sys_kill.c). The contents that a sender does not choose.
siginfo_t signal_sender_info(int code);
// Contents that a sender chose: towards others he may not pass them off as the kernel's or kill()'s. -EFAULT, -EPERM.
__nodiscard int signal_info_from_user(siginfo_t *info, const siginfo_t __user *user, int signo, bool self);
// Sends if the caller may, to the process or (not NULL) its thread; signo 0: only asks. With process_lock held. 0,
// -EINVAL (no signal has this number), -EPERM, -EAGAIN.
__nodiscard int signal_send_checked(struct process *process, struct thread *thread, int signo, const siginfo_t *info);

// Pending hook: delivers what is deliverable, ends threads, stops.
void signal_run_pending(struct user_regs *regs);
// Builds the frame of a handler; mask is what sigreturn restores. 0 or -EFAULT.
__nodiscard int signal_frame_push(struct user_regs *regs, int signo, const struct signal_action *action,
                                  const siginfo_t *info, u64 mask);
// Deliverable signals of the current thread. Process signals' lock held.
bool signal_deliverable(const struct thread *thread);
// Takes the first signal in mask from the thread's or its process's queue; 0 if none. Process signals' lock held.
int signal_dequeue(struct thread *thread, u64 mask, siginfo_t *ret_info);
void signalfd_notify(void); // a signal waits: who polls or reads a signalfd looks. No spinlock held
void signal_init(void);
void mq_signal_init(void); // what signal_init calls
