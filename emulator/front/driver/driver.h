// SPDX-License-Identifier: BSD-3-Clause
// The driver's ioctls, and what they need of the enclave's threads.
#pragma once

#include "front/cpu/view.h"
#include "front/os/borrow.h"

long driver_ioctl(struct task *t, struct encl *e, u32 command, u64 argument);
long driver_restrict(struct task *t, struct encl *e, u64 argument);
long driver_types(struct task *t, struct encl *e, u64 argument);
long driver_remove(struct task *t, struct encl *e, u64 argument);
__nodiscard int driver_range(const struct encl *e, u64 offset, u64 length);
__nodiscard int driver_eaug(struct task *t, struct encl *e, u64 page);

enum { MAX_LOANS = 16 };
struct loans {
    struct loan loan[MAX_LOANS];
    u32 count;
};
// A thread of each other address space that maps the enclave: all of them or none.
__nodiscard bool encl_borrow(struct task *t, const struct encl *e, struct loans *ret_loans);
void encl_return(struct loans *loans);

// As the kernel's IPI after ETRACK.
void encl_track(struct task *t, struct encl *e);
