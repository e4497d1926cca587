// SPDX-License-Identifier: BSD-3-Clause
#include "libos/time/time.h"
#include "libos/time/clock_page.h"
#include "trusted/cpu.h"
#include "trusted/hostmem.h"
#include "trusted/lock_class.h"
#include "trusted/ocall.h"

// The host refreshes its page on request; older than this, the scaled counter may have drifted.
enum { REFRESH_NS = 1000000000 };

static u64 clock_page;   // untrusted address of struct host_shared_page
static s64 floor_ns;     // highest monotonic time handed out
static s64 refreshed_ns; // when the page was last refreshed

struct reading {
    s64 monotonic, realtime;
};

void time_init(u64 shared_page) { clock_page = shared_page; }

static u64 page_field(size_t offset) { return hostmem_read_u64((const void __host *)(clock_page + offset)); }

// One consistent snapshot of the host's page. A host that never lets it settle gives some snapshot: time is its claim.
static struct reading read_clock(void)
{
    u64 seq, tsc_base, monotonic, realtime, mult;

    for (int i = 0; i < 1000; i++) {
        seq = page_field(offsetof(struct host_shared_page, clock_seq));
        tsc_base = page_field(offsetof(struct host_shared_page, tsc_base));
        monotonic = page_field(offsetof(struct host_shared_page, monotonic_base_ns));
        realtime = page_field(offsetof(struct host_shared_page, realtime_base_ns));
        mult = page_field(offsetof(struct host_shared_page, mult));
        if (!(seq & 1) && seq == page_field(offsetof(struct host_shared_page, clock_seq)))
            break;
    }
    u64 delta = !cpu_has_tsc() ? 0 : (u64)(((unsigned __int128)(cpu_tsc() - tsc_base) * mult) >> 32);
    return (struct reading){ (s64)((monotonic + delta) & INT64_MAX), (s64)((realtime + delta) & INT64_MAX) };
}

static struct reading read_fresh(void)
{
    lock_check_host_call();
    struct reading now = read_clock();
    s64 last = __atomic_load_n(&refreshed_ns, __ATOMIC_RELAXED);

    if (!cpu_has_tsc()) { // the page is as good as its last refresh
        ocall_clock_sync();
        return read_clock();
    }
    if (now.monotonic - last > REFRESH_NS &&
        __atomic_compare_exchange_n(&refreshed_ns, &last, now.monotonic, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        ocall_clock_sync();
        now = read_clock();
    }
    return now;
}

s64 time_monotonic_ns(void)
{
    s64 now = read_fresh().monotonic;
    s64 low = __atomic_load_n(&floor_ns, __ATOMIC_RELAXED);

    while (now > low)
        if (__atomic_compare_exchange_n(&floor_ns, &low, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return now;
    return low;
}

s64 time_realtime_ns(void) { return read_fresh().realtime; }

int time_get(int clock_id, struct __kernel_timespec *ret_ts)
{
    s64 ns;
    switch (clock_id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        ns = time_realtime_ns();
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        ns = time_monotonic_ns();
        break;
    default:
        return -EINVAL;
    }
    *ret_ts = (struct __kernel_timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
    return 0;
}

s64 time_ticks_ns(u64 ticks)
{
    return (s64)((u64)(((unsigned __int128)ticks * page_field(offsetof(struct host_shared_page, mult))) >> 32) &
                 INT64_MAX);
}

s64 time_deadline_ns(s64 duration_ns)
{
    s64 deadline;
    if (duration_ns == WAIT_FOREVER || __builtin_add_overflow(time_monotonic_ns(), duration_ns, &deadline))
        return WAIT_FOREVER;
    return deadline;
}
