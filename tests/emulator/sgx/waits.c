// SPDX-License-Identifier: BSD-3-Clause
// Enclaves entered by handlers that run in sigsuspend, ppoll, pselect and epoll_pwait with every signal blocked: the
// traps an entry makes on the host must not meet the mask of the wait. TAP.
#include "loader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

static struct enclave enclave;
static volatile int entered, faulted;
static volatile u64 loaded;

static void on_alarm(int sig)
{
    (void)sig;
    u32 code;
    u64 address;
    loaded = ask(&enclave, OP_LOAD, enclave.base + DATA, 0, 0);
    entered++;
    faulted += fault_of(&enclave, OP_LOAD, enclave.base + HEAP, 0, 0, &address, &code) == 14; // PENDING
}

static int by_sigsuspend(const sigset_t *mask) { return sigsuspend(mask); }
static int by_ppoll(const sigset_t *mask) { return ppoll(NULL, 0, &(struct timespec){ 5, 0 }, mask); }
static int by_pselect(const sigset_t *mask) { return pselect(0, NULL, NULL, NULL, &(struct timespec){ 5, 0 }, mask); }
static int by_epoll(const sigset_t *mask)
{
    static int epoll = -1;
    struct epoll_event event;
    if (epoll < 0)
        epoll = epoll_create1(EPOLL_CLOEXEC);
    return epoll_pwait(epoll, &event, 1, 5000, mask);
}

static void wait_once(const char *name, int (*wait)(const sigset_t *mask), int round)
{
    struct itimerval soon = { { 0, 0 }, { 0, 3000 } };
    sigset_t mask, before, after;
    sigfillset(&mask);
    sigdelset(&mask, SIGALRM);
    sigprocmask(SIG_SETMASK, NULL, &before);
    entered = faulted = 0;
    loaded = 0;
    setitimer(ITIMER_REAL, &soon, NULL);
    int ret = wait(&mask), error = errno;
    sigprocmask(SIG_SETMASK, NULL, &after);
    check(ret == -1 && error == EINTR && entered == 1 && loaded == 99 && faulted == 1,
          "%s, round %d: the handler enters and faults inside", name, round);
    check(!memcmp(&before, &after, 8) && sigismember(&after, SIGALRM) == 1, "%s, round %d: the mask is back", name,
          round);
}

int main(void)
{
    struct enclave_config config = { .miscselect = 1 };
    sigset_t alarm;
    struct sigaction action = { .sa_handler = on_alarm };
    sigfillset(&action.sa_mask);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigaddset(&alarm, SIGSEGV);
    check(enclave_build(&enclave, &config), "an enclave");
    (void)ask(&enclave, OP_STORE, enclave.base + DATA, 99, 0);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_BLOCK, &alarm, NULL);
    for (int round = 1; round <= 3; round++) {
        wait_once("sigsuspend", by_sigsuspend, round);
        wait_once("ppoll", by_ppoll, round);
        wait_once("pselect", by_pselect, round);
        wait_once("epoll_pwait", by_epoll, round);
    }
    check(ask(&enclave, OP_LOAD, enclave.base + DATA, 0, 0) == 99, "entries go on after it");
    return done();
}
