// SPDX-License-Identifier: BSD-3-Clause
// Thread slots: the TCSs of the enclave and the per-thread pages behind them.
#pragma once

#include "trusted/tls.h"

// Claims a free slot for thread (state CLAIMED: the host cannot enter it yet) and prepares its tls page. -EAGAIN if all
// are taken, -ENOMEM.
__nodiscard int slot_claim(struct thread *thread);
// Adopts the slot the boot code runs on.
void slot_adopt(struct thread *thread);
// Lets the host in (state STARTING) and asks it to come. All that the thread begins with is in place: it may run before
// this returns. -errno of the host: then nobody came, and nobody can any more. A host that says so after it came in
// ends the enclave, for the caller is about to free what the thread stands on.
__nodiscard int slot_start(u64 slot);
// Gives back a claimed slot.
void slot_release_unstarted(u64 slot);
// A freshly entered slot continues here, on its own stack.
_Noreturn void slot_run(struct tls *tls);
// The current thread gives its slot up; the state changes with the last instruction before EEXIT.
void slot_leaving(void);
u64 slots_in_use(u64 *ret_peak);
