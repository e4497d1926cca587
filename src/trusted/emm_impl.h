// SPDX-License-Identifier: BSD-3-Clause
// The two implementations behind emm.h, which picks one at start.
#pragma once

#include "trusted/emm.h"

struct emm_ops {
    struct emm_caps caps;
    int (*map)(u64 addr, u64 len, u32 prot);
    int (*commit)(u64 addr, u64 len);
    int (*copy)(u64 addr, u64 len, u64 from, u32 prot);
    int (*publish)(u64 addr, u64 len, u64 from, u32 prot);
    int (*protect)(u64 addr, u64 len, u32 prot);
    int (*discard)(u64 addr, u64 len);
    int (*zero)(u64 addr, u64 len, u32 prot);
    void (*prefetch)(u64 addr, u64 len);
    void (*prefetch_runs)(const u64 *runs, size_t n); // may be NULL
    bool (*accessible)(u64 addr, u32 prot);
    int (*contents)(u64 addr, u64 count, u8 *ret_flags);
};

const struct emm_ops *emm_host_init(void);
const struct emm_ops *emm_edmm_init(void);

// The pages of a region, for the report and the limits. Atomic.
void emm_count(enum emm_region region, s64 pages);
// EACCEPT of pages the host augmented: readable, writable, zero. Returns how many were accepted, in order.
u64 edmm_accept_new(u64 addr, u64 count);
