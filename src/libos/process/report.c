// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/report.h"

#include "abi/occlum/ocall_types.h"
#include "libos/mem/heap.h"
#include "libos/thread/slots.h"
#include "libos/time/time.h"
#include "libos/vm/vm.h"
#include "trusted/emm.h"
#include "trusted/hostmem.h"
#include "trusted/layout.h"
#include "trusted/stats.h"

static u64 host_report;
static s64 booted_ns, started_ns;

void report_init(u64 address) { host_report = address; }

void report_booted(void) { booted_ns = started_ns = time_monotonic_ns(); }
void report_started(void) { started_ns = time_monotonic_ns(); }

// With EDMM and on SGX what has pages of the enclave; in simulation what the LibOS has handed out.
static void fill_regions(struct host_report *report)
{
    static_assert((int)EMM_IMAGE == HOST_REPORT_IMAGE && (int)EMM_HEAP == HOST_REPORT_HEAP &&
                  (int)EMM_USER == HOST_REPORT_USER && (int)EMM_THREADS == HOST_REPORT_THREADS);
    for (enum emm_region region = 0; region < EMM_REGIONS; region++) {
        struct emm_stats stats;
        emm_get_stats(region, &stats);
        report->regions[region] = (struct host_report_region){ stats.initial, stats.committed, stats.peak, stats.max };
    }
    if (enclave_layout.mode != ENCLAVE_MODE_SIM)
        return;
    struct vm_stats vm;
    struct heap_stats heap;
    vm_get_stats(&vm);
    heap_get_stats(&heap);
    report->regions[HOST_REPORT_USER] = (struct host_report_region){ 0, vm.committed, vm.peak, vm.limit };
    report->regions[HOST_REPORT_HEAP] = (struct host_report_region){ 0, heap.used, heap.peak, heap.max };
}

void report_publish(void)
{
    struct host_report report = { 0 };

    if (!host_report)
        return;
    fill_regions(&report);
    report.threads_initial = enclave_layout.slots_init;
    report.threads_now = slots_in_use(&report.threads_peak);
    report.threads_max = enclave_layout.slots_max;
    static_assert(STAT_COUNT == ARRAY_SIZE(report.events));
    for (size_t i = 0; i < STAT_COUNT; i++)
        report.events[i] = __atomic_load_n(&stats_events[i], __ATOMIC_RELAXED);
    report.booted_ns = (u64)booted_ns;
    report.started_ns = (u64)started_ns;
    hostmem_copy_out((void __host *)host_report, &report, sizeof(report));
}
