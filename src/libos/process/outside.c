// SPDX-License-Identifier: BSD-3-Clause
// Who is outside: signals of the host's terminal and service manager come in, and it hears when what it stopped stops.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/process/serve.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/ocall.h"

// SIGUSR1, SIGUSR2 and SIGHUP mean what a program makes of them: a host may run their handlers only where the
// configuration says so. Hanging up ends what has no handler all the same, as the host can end everything anyway.
static bool asked_for(struct process *process, int signo)
{
    const u64 private = SIGMASK(SIGHUP) | SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2);

    if (!(private & SIGMASK(signo)) || (enclave_config()->flags & OCCLUM_CONFIG_HOST_SIGNALS))
        return true;
    if (signo == SIGHUP && signals_action(&process->signals, SIGHUP).handler == (u64)SIG_DFL)
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

// A signal for what somebody outside started. With process_lock held.
static void signal_from_outside(struct process *process, int signo)
{
    // The host may ask, not lie: faults and other news of the kernel never come from it.
    const u64 of_terminal =
        SIGMASK(SIGINT) | SIGMASK(SIGQUIT) | SIGMASK(SIGWINCH) | SIGMASK(SIGTSTP) | SIGMASK(SIGCONT);
    const u64 accepted = of_terminal | SIGMASK(SIGHUP) | SIGMASK(SIGTERM) | SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2);
    siginfo_t info;

    if (signo < 1 || signo > SIGNALS || !(accepted & SIGMASK(signo)))
        return;
    if (signo == SIGHUP && process->tty) { // its terminal is gone, which the host could show by its reads as well
        process_tty.hang_up(process);
        return;
    }
    if (!asked_for(process, signo))
        return;
    if (signo == SIGTSTP || signo == SIGCONT)
        process->stop_asked = signo == SIGTSTP;
    if (of_terminal & SIGMASK(signo)) {
        signal_terminal(process, signo);
    } else if (!process->zombie) {
        memset(&info, 0, sizeof(info));
        info.si_code = SI_USER;
        signal_send(process, NULL, signo, &info);
    }
}

void signal_from_host(int signo)
{
    mutex_lock(&process_lock);
    signal_from_outside(process_first, signo);
    mutex_unlock(&process_lock);
}

void process_signal_client(u64 client, int signo)
{
    struct process *process;

    mutex_lock(&process_lock);
    list_for_each (process, &process_first->children, siblings) {
        if (process->client != client)
            continue;
        signal_from_outside(process, signo);
        break;
    }
    mutex_unlock(&process_lock);
}

void process_tell_stopped(struct process *process)
{
    mutex_lock(&process_lock);
    bool tell = process->stopped && process->stop_asked;
    process->stop_asked = false;
    mutex_unlock(&process_lock);
    if (tell && process->client)
        client_tell(process->client, HOST_NEWS_STOPPED, 0);
    else if (tell && process == process_first)
        (void)ocall_stop_self();
}
