// SPDX-License-Identifier: BSD-3-Clause
// The signal of mq_notify(3).
#include "base/string.h"
#include "libos/ipc/mq.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"

static void send(u32 pid, int signo, sigval_t value, u32 sender_pid, u32 sender_uid)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_code = SI_MESGQ;
    info.si_pid = (int)sender_pid;
    info.si_uid = sender_uid;
    info.si_value = value;
    mutex_lock(&process_lock);
    struct process *process = process_find(pid);
    if (process && !process->exiting)
        signal_send(process, NULL, signo, &info);
    mutex_unlock(&process_lock);
}

void mq_signal_init(void) { mq_send_signal = send; }
