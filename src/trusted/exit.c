// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/exit.h"
#include "abi/occlum/entry.h"
#include "trusted/log.h"
#include "trusted/layout.h"

void __stack_chk_fail(void);

void enclave_abort(enum abort_reason reason)
{
    WRITE_ONCE(enclave_dead, 1);
    enclave_exit(EXIT_ABORT, reason);
}

void enclave_shutdown(int wait_status)
{
    WRITE_ONCE(enclave_dead, 1);
    enclave_exit(EXIT_SHUTDOWN, (u32)wait_status);
}

void enclave_refuse(int wait_status, u32 refusal)
{
    WRITE_ONCE(enclave_dead, 1);
    enclave_exit(EXIT_SHUTDOWN, (u32)wait_status | ((u64)refusal << 32));
}

void enclave_bug(const char *file, int line, const char *cond)
{
    log_error("bug: %s:%d: %s", file, line, cond);
    enclave_abort(ABORT_BUG);
}

void __stack_chk_fail(void) { enclave_abort(ABORT_STACK_SMASHED); }
