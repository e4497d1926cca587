// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/lock_class.h"

#if LOCK_DEBUG

#include "trusted/exit.h"
#include "trusted/log.h"
#include "trusted/tls.h"

struct lock_thread *lock_thread(void) { return &tls_self()->locks; }

void lock_fault(const char *what, enum lock_class class, enum lock_class held)
{
    lock_thread()->count = lock_thread()->wake_lists = 0; // the log leaves the enclave
    log_printf(LOG_ERROR, "locks: %s: %s, held: %s", what, lock_class_name(class), lock_class_name(held));
    enclave_abort(ABORT_BUG);
}

#endif
