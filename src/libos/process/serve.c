// SPDX-License-Identifier: BSD-3-Clause
// Process 1 of an enclave that serves.
#include "libos/process/serve.h"
#include "abi/occlum/entry.h"
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "libos/time/time.h"
#include "trusted/exit.h"
#include "trusted/log.h"
#include "trusted/ocall.h"

// How long killed programs may take to be reaped before the end goes on without.
#define PATIENCE_NS (5 * NSEC_PER_SEC)
enum { STOP_SECONDS_MOST = 24 * 3600 };

// Only process 1 looks at these, but for requests_wait.
static bool requests_wait; // atomic
static enum stage { SERVING, ASKED, KILLED } stage;
static s64 deadline = WAIT_FOREVER; // of the stage

void process_requests_wait(void)
{
    if (!process_first || !process_first->own)
        return; // the host jests: nobody serves
    __atomic_store_n(&requests_wait, true, __ATOMIC_RELEASE);
    wake_up_all(&process_first->child_events);
}

// One of the zombies among its children, told to the client it is of. False: there was none.
static bool reap_one(void)
{
    struct process *child;
    u64 client = 0;
    int wait_status = 0;
    bool found = false;

    mutex_lock(&process_lock);
    list_for_each (child, &process_first->children, siblings) {
        if (!child->zombie)
            continue;
        client = child->client;
        wait_status = child->wait_status;
        process_reap(child);
        found = true;
        break;
    }
    mutex_unlock(&process_lock);
    if (client)
        client_tell(client, HOST_NEWS_ENDED, (u32)wait_status);
    return found;
}

static u64 count_others(void)
{
    struct process *process;
    u64 count = 0;

    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all)
        count += process != process_first;
    mutex_unlock(&process_lock);
    return count;
}

// SIGTERM, which stopped processes are woken for, or the end without being asked.
static void end_all(bool ask)
{
    struct process *process;
    struct wake_list list;

    wake_list_init(&list);
    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all) {
        if (process == process_first || process->zombie)
            continue;
        if (ask) {
            signal_send(process, NULL, SIGTERM, NULL);
            signal_send(process, NULL, SIGCONT, NULL);
        } else {
            process_kill_collect(process, SIGKILL, &list);
        }
    }
    mutex_unlock(&process_lock);
    wake_list_flush(&list);
}

// Again: sooner, never later.
static void stop(s32 seconds)
{
    s64 allowed = MIN((s64)MAX(seconds, 0), (s64)STOP_SECONDS_MOST) * NSEC_PER_SEC;
    s64 wanted = time_deadline_ns(allowed);

    if (stage == KILLED)
        return;
    if (stage == SERVING && allowed > 0)
        end_all(true);
    stage = ASKED;
    deadline = MIN(deadline, wanted);
}

static void serve(const struct host_request *request)
{
    switch (request->kind) {
    case HOST_REQUEST_EXEC:
        if (stage == SERVING)
            client_start(request);
        else
            client_refuse(request, 126, REFUSED_STOPPING);
        break;
    case HOST_REQUEST_SIGNAL:
        process_signal_client(request->client, request->value);
        break;
    case HOST_REQUEST_COUNT:
        client_tell(request->client, HOST_NEWS_COUNT, count_others());
        break;
    case HOST_REQUEST_STOP:
        stop(request->value);
        break;
    default:
        log_once(LOG_WARN, "a request of an unknown kind (%u) from the host", request->kind);
    }
}

static void take_requests(void)
{
    struct host_request request;

    if (!__atomic_exchange_n(&requests_wait, false, __ATOMIC_ACQUIRE))
        return;
    // A host that has always one more gets no other work done here, which it could have anyway.
    while (ocall_serve_take(&request) == 1)
        serve(&request);
}

// What comes with time. True: the enclave is to end now.
static bool time_is_over(void)
{
    bool killed = READ_ONCE(process_first->exiting); // the host wants the end (HOST_SIGNAL_END)

    if (stage == SERVING && !killed)
        return false;
    if (!count_others() || killed)
        return true;
    if (time_monotonic_ns() < deadline)
        return false;
    if (stage == KILLED)
        return true;
    end_all(false);
    stage = KILLED;
    deadline = time_deadline_ns(PATIENCE_NS);
    return false;
}

// Nothing that programs send to process 1 reaches it, SIGKILL included; SIGCHLD as it is, for ignoring it would take
// its zombies away.
static void ignore_signals(struct process_signals *signals)
{
    spin_lock(&signals->lock);
    for (int signo = 1; signo <= SIGNALS; signo++)
        if (signo != SIGCHLD)
            signals->actions[signo - 1].handler = (u64)SIG_IGN;
    spin_unlock(&signals->lock);
}

static struct process *make_first(void)
{
    static const char name[] = "occlum";
    struct process *process;

    if (process_create(NULL, SIGCHLD, &process) || signals_thread_init(current, NULL))
        enclave_refuse(126 << 8, REFUSED_MEMORY);
    process->own = true;
    ignore_signals(&process->signals);
    memcpy(current->name, name, sizeof(name));
    process_first = process;
    mutex_lock(&process_lock);
    current->tid = process->pid;
    process_add_thread(process, current);
    mutex_unlock(&process_lock);
    return process;
}

void process_serve(void)
{
    struct process *self = make_first();
    struct waiter waiter;

    signal_init();
    process_procfs_init();
    process_resources_init();
    report_started();
    client_tell(0, HOST_NEWS_READY, 0);
    waiter_init(&waiter);
    wait_add(&self->child_events, &waiter);
    for (;;) {
        if (thread_take_pending(current, ~0u) & THREAD_HOST)
            signal_host_hook();
        take_requests();
        while (reap_one())
            ;
        if (time_is_over())
            break;
        (void)waiter_sleep(&waiter, deadline);
    }
    wait_remove(&self->child_events, &waiter);
    process_shutdown(0);
}
