// SPDX-License-Identifier: BSD-3-Clause
// Ending the enclave.
#pragma once

#include "base/types.h"

enum abort_reason {
    ABORT_HOST_POINTER = 1, // the host passed a pointer that is not its own
    ABORT_HOST_LIE,         // an answer that integrity depends on is impossible
    ABORT_EXCEPTION,        // the LibOS itself faulted
    ABORT_STACK_SMASHED,
    ABORT_START,  // boot failed
    ABORT_RANDOM, // RDRAND does not answer
    ABORT_BUG,
    ABORT_IMAGE, // the image is not there, or not the one that was measured
};

// Stops the enclave for all threads, now. Nothing is written back: the state cannot be trusted.
_Noreturn void enclave_abort(enum abort_reason reason);
// Orderly end with the wait(2) status of the first process.
_Noreturn void enclave_shutdown(int wait_status);
// The first program was not started; refusal (abi/occlum/entry.h) tells the host why, in place of a log that may be
// off.
_Noreturn void enclave_refuse(int wait_status, u32 refusal);
_Noreturn void enclave_exit(u64 reason, u64 value);

#define BUG_ON(cond)                                \
    do {                                            \
        if (unlikely(cond))                         \
            enclave_bug(__FILE__, __LINE__, #cond); \
    } while (0)
_Noreturn void enclave_bug(const char *file, int line, const char *cond);
