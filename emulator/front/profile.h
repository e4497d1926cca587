// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "front/os/emu.h"

struct profile {
    char name[64];
    double hertz;
    u32 encls[16], enclu[16]; // cycles of each leaf, failed or not
    u32 aex, ipi, fault;      // an asynchronous exit, an interrupt after ETRACK, the kernel's part of a page fault
};

extern struct profile emu_profile; // the one in use

// name: built-in profile or path of a file. 0, or -ENOENT, -EINVAL after a message.
__nodiscard int profile_load(const char *name, struct profile *ret_p);
u64 profile_cycles(const struct profile *p, const struct sgx_counters *c, u64 kicks, u64 page_faults);
