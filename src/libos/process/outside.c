// SPDX-License-Identifier: BSD-3-Clause
// Who is outside: signals of the host's terminal and service manager come in, and it hears when what it stopped stops.
#include "base/string.h"
#include "libos/process/process.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/ocall.h"

static bool stop_asked; // by the host, and no SIGCONT since. Guarded by process_lock

// SIGUSR1, SIGUSR2 and SIGHUP mean what a program makes of them: a host may run their handlers only where the
// configuration says so. Hanging up ends what has no handler all the same, as the host can end everything anyway.
static bool asked_for(int signo)
{
    const u64 private = SIGMASK(SIGHUP) | SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2);

    if (!(private & SIGMASK(signo)) || (enclave_config()->flags & OCCLUM_CONFIG_HOST_SIGNALS))
        return true;
    if (signo == SIGHUP && signals_action(&process_first->signals, SIGHUP).handler == (u64)SIG_DFL)
        return true;
    log_once(LOG_WARN, "signal %d from the host is not passed on: feature.host_signals of Occlum.json permits it",
             signo);
    return false;
}

// A person at the terminal means the group in the foreground; where there is no terminal inside, all of the session.
static void signal_terminal(const struct process *leader, int signo)
{
    struct process *process;
    u32 foreground = process_tty.foreground(leader);

    if (foreground) {
        group_signal(foreground, signo);
        return;
    }
    list_for_each (process, &process_all, all) {
        bool meant = signo == SIGTSTP ? process->pgid == leader->pgid : process->sid == leader->sid;
        if (meant && !process->zombie)
            signal_send(process, NULL, signo, NULL);
    }
}

void signal_from_host(int signo)
{
    // The host may ask, not lie: faults and other news of the kernel never come from it.
    const u64 of_terminal =
        SIGMASK(SIGINT) | SIGMASK(SIGQUIT) | SIGMASK(SIGWINCH) | SIGMASK(SIGTSTP) | SIGMASK(SIGCONT);
    const u64 accepted = of_terminal | SIGMASK(SIGHUP) | SIGMASK(SIGTERM) | SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2);
    siginfo_t info;

    if (signo < 1 || signo > SIGNALS || !(accepted & SIGMASK(signo)))
        return;
    bool hangs_up = signo == SIGHUP && READ_ONCE(process_first->tty);
    if (!hangs_up && !asked_for(signo))
        return;
    mutex_lock(&process_lock);
    if (hangs_up) { // its terminal is gone, which the host could show by its reads as well
        process_tty.hang_up(process_first);
        mutex_unlock(&process_lock);
        return;
    }
    if (signo == SIGTSTP || signo == SIGCONT)
        stop_asked = signo == SIGTSTP;
    if (of_terminal & SIGMASK(signo))
        signal_terminal(process_first, signo);
    if (!(of_terminal & SIGMASK(signo)) && !process_first->zombie) {
        memset(&info, 0, sizeof(info));
        info.si_code = SI_USER;
        signal_send(process_first, NULL, signo, &info);
    }
    mutex_unlock(&process_lock);
}

void process_tell_stopped(struct process *process)
{
    mutex_lock(&process_lock);
    bool tell = process == process_first && process->stopped && stop_asked;
    stop_asked = false;
    mutex_unlock(&process_lock);
    if (tell)
        (void)ocall_stop_self();
}
