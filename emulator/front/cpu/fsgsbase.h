// SPDX-License-Identifier: BSD-3-Clause
// RDFSBASE and its kin in enclaves, where the kernel does not offer them.
#pragma once

#include "front/cpu/view.h"

bool fsgsbase_of_kernel(void); // the kernel offers FSGSBASE
bool fsgsbase_offered(void);   // and it is not hidden: OCCLUM_NO_FSGSBASE=1
// At a fault that the EPCM and the mapping allow: makes a page ready to be executed, or written.
void fsgsbase_turn(struct task *t, struct view *v, u64 page, enum sgx_access access);
// Makes the page's contents whole; it is turned to code again when it is next executed. Callers of _restore see to it
// that nobody executes it meanwhile.
void fsgsbase_to_data(struct task *t, struct encl *e, u64 page);
void fsgsbase_restore(struct encl *e, u64 page);
u8 fsgsbase_limit(const struct encl_page *p, u8 prot);                           // what of prot the page's use allows
void fsgsbase_settle(struct task *t, const struct view *v, u64 page, u64 count); // after rights were taken away
// After an INT3: true if it stands for one of the instructions; *ret_handled as on_enclu() returns.
bool fsgsbase_on_int3(struct task *t, siginfo_t *info, bool *ret_handled);
