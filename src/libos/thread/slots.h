// SPDX-License-Identifier: BSD-3-Clause
// Thread slots: the TCSs of the enclave and the per-thread pages behind them.
#pragma once

#include "trusted/tls.h"

// Claims a free slot for thread (state STARTING) and prepares its tls page. -EAGAIN if all are taken.
__nodiscard int slot_claim(struct thread *thread);
// Adopts the slot the boot code runs on.
void slot_adopt(struct thread *thread);
void slot_release_unstarted(u64 slot);
// A freshly entered slot continues here, on its own stack.
_Noreturn void slot_run(struct tls *tls);
// The current thread gives its slot up; the state changes with the last instruction before EEXIT.
void slot_leaving(void);
u64 slots_in_use(u64 *ret_peak);
