// SPDX-License-Identifier: BSD-3-Clause
// The end of the first process is the end of all, as that of a container's: the others are killed, waited for, and what
// they and it wrote to shared mappings goes to the files before the enclave is left.
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/learn.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/log.h"

// How long a killed thread may take, in a host call that does not return, say. Then the end goes on without it.
#define PATIENCE_NS (10 * NSEC_PER_SEC)

static struct wait_queue quiet = WAIT_QUEUE_INIT(quiet);
static bool ending; // guarded by process_lock

bool process_all_ending(void)
{
    mutex_assert_held(&process_lock);
    return ending;
}
void process_thread_left(void) { wake_up_all(&quiet); }

static void kill_all(void)
{
    struct process *process;
    struct wake_list list;

    wake_list_init(&list);
    mutex_lock(&process_lock);
    ending = true; // from here on new threads end at once (process_add_thread)
    list_for_each (process, &process_all, all)
        if (process != process_first)
            process_kill_collect(process, SIGKILL, &list);
    mutex_unlock(&process_lock);
    wake_list_flush(&list);
}

// Waits until the current thread is the only one of all programs. False: patience is over.
static bool wait_for_all(void)
{
    struct waiter waiter;
    s64 deadline = time_deadline_ns(PATIENCE_NS);
    int err = 0;

    waiter_init(&waiter);
    wait_add(&quiet, &waiter);
    while (process_threads() > 1 && !err)
        err = waiter_sleep_uninterruptible(&waiter, deadline);
    wait_remove(&quiet, &waiter);
    return !err;
}

void process_shutdown(int wait_status)
{
    kill_all();
    bool alone = wait_for_all();
    if (!alone)
        log_error("%u threads did not end within %lld s: what they wrote to shared mappings may be lost",
                  process_threads() - 1, PATIENCE_NS / NSEC_PER_SEC);
    // The others wrote theirs back when they dropped their memory. The pages themselves go with the enclave.
    u64 start = enclave_layout.user_start;
    int err = 0;
    if (current->mm) // an enclave that serves ends on a thread without
        err = vm_sync(current->mm, start, enclave_layout.user_end - start, MS_SYNC);
    if (err && err != -ENOMEM) // -ENOMEM: there are holes
        log_error("a shared mapping could not be written back: error %d", -err);
    (void)sys_sync();
    learn_tell();
    report_publish();
    enclave_shutdown(wait_status);
}
