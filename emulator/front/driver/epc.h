// SPDX-License-Identifier: BSD-3-Clause
// EPC pages and the reclaimer.
#pragma once

#include "front/cpu/view.h"

__nodiscard int epc_init(void);
u32 epc_alloc(struct task *t, struct encl *owner); // SGX_NO_PAGE: none left
void epc_free(u32 index);
__nodiscard int epc_load(struct task *t, struct encl *e, u64 page); // from swap, if evicted
void encl_free_pages(struct encl *e);
__nodiscard int encl_va_reserve(struct task *t, struct encl *e);
void encl_va_release(struct encl *e); // undoes the last reservation
u8 *ops_page(void *front, u32 index, const struct sgx_epcm *epcm);
void ops_walk(void *front, const struct sgx_cpu *cpu, u64 linaddr, struct sgx_pte *ret_pte);
