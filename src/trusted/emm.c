// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/emm.h"
#include "trusted/emm_impl.h"
#include "trusted/layout.h"
#include "trusted/tls.h"

static const struct emm_ops *ops;

struct counter {
    s64 pages, peak;
};
static struct counter counters[EMM_REGIONS];

const struct emm_caps *emm_caps(void) { return &ops->caps; }

int emm_map(u64 addr, u64 len, u32 prot) { return ops->map(addr, len, prot); }
int emm_commit(u64 addr, u64 len) { return ops->commit(addr, len); }
int emm_copy(u64 addr, u64 len, u64 from, u32 prot) { return ops->copy(addr, len, from, prot); }
int emm_publish(u64 addr, u64 len, u64 from, u32 prot) { return ops->publish(addr, len, from, prot); }
int emm_protect(u64 addr, u64 len, u32 prot) { return ops->protect(addr, len, prot); }
int emm_discard(u64 addr, u64 len) { return ops->discard(addr, len); }
int emm_zero(u64 addr, u64 len, u32 prot) { return ops->zero(addr, len, prot); }
void emm_prefetch(u64 addr, u64 len) { ops->prefetch(addr, len); }
void emm_prefetch_runs(const u64 *runs, size_t n)
{
    if (ops->prefetch_runs)
        ops->prefetch_runs(runs, n);
}
void emm_prefetch_done(void) { tls_self()->augmented = false; }
int emm_contents(u64 addr, u64 count, u8 *ret_flags) { return ops->contents(addr, count, ret_flags); }
bool emm_accessible(u64 addr, u32 prot) { return ops->accessible(addr, prot); }

static u64 slot_pages(void) // of one slot that exists from the start
{
    return (ENCLAVE_SLOT_STACK - PAGE_SIZE + enclave_layout.stack_size + PAGE_SIZE) / PAGE_SIZE;
}

static u64 initial(enum emm_region region)
{
    const struct enclave_layout *l = &enclave_layout;
    switch (region) {
    case EMM_IMAGE:
        return l->image_end - l->image_start + ALIGN_UP(l->config_size, PAGE_SIZE);
    case EMM_HEAP:
        return l->heap_init_end - l->heap_start;
    case EMM_USER:
        return l->user_committed_end - l->user_start;
    default:
        return l->slots_init * slot_pages() * PAGE_SIZE;
    }
}

static u64 maximum(enum emm_region region)
{
    const struct enclave_layout *l = &enclave_layout;
    switch (region) {
    case EMM_IMAGE:
        return initial(region);
    case EMM_HEAP:
        return l->heap_end - l->heap_start;
    case EMM_USER:
        return l->user_limit;
    default:
        return l->slots_max * slot_pages() * PAGE_SIZE;
    }
}

void emm_count(enum emm_region region, s64 pages)
{
    struct counter *counter = &counters[region];
    s64 now = __atomic_add_fetch(&counter->pages, pages, __ATOMIC_RELAXED), peak = READ_ONCE(counter->peak);
    while (now > peak &&
           !__atomic_compare_exchange_n(&counter->peak, &peak, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void emm_get_stats(enum emm_region region, struct emm_stats *ret_stats)
{
    *ret_stats = (struct emm_stats){
        .initial = initial(region),
        .max = maximum(region),
        .committed = (u64)READ_ONCE(counters[region].pages) * PAGE_SIZE,
        .peak = (u64)READ_ONCE(counters[region].peak) * PAGE_SIZE,
    };
}

void emm_init(void)
{
    for (enum emm_region region = 0; region < EMM_REGIONS; region++)
        emm_count(region, (s64)(initial(region) / PAGE_SIZE));
    ops = enclave_layout.edmm ? emm_edmm_init() : emm_host_init();
}
