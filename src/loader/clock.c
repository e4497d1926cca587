// SPDX-License-Identifier: BSD-3-Clause
// Runs with the program's %fs: see threads.h. The vDSO's clock needs no thread-local storage.
#include "loader/clock.h"

#include <time.h>

#include "loader/lock.h"
#include "loader/runtime.h"
#include "platform/raw.h"
#include "platform/vdso.h"

typedef int clock_function(clockid_t id, struct timespec *ts);

static struct loader_lock lock; // of the fields of the page that hold the clock
static clock_function *vdso_clock;

struct reading {
    u64 tsc, monotonic, realtime;
};

static struct reading first;

static u64 rdtsc(void) { return __builtin_ia32_rdtsc(); }

static u64 now(clockid_t id)
{
    struct timespec ts = { 0 };
    if (!vdso_clock || vdso_clock(id, &ts) != 0)
        RAW(SYS_clock_gettime, id, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

// Of a few tries the one with the shortest time around the clock is the most exact.
static struct reading take_reading(void)
{
    struct reading best = { 0 };
    u64 best_width = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        u64 before = rdtsc(), monotonic = now(CLOCK_MONOTONIC), after = rdtsc();
        if (after - before < best_width) {
            best_width = after - before;
            best = (struct reading){ before + (after - before) / 2, monotonic,
                                     now(CLOCK_REALTIME) - (now(CLOCK_MONOTONIC) - monotonic) };
        }
    }
    return best;
}

void clock_init(void)
{
    vdso_clock = (clock_function *)vdso_symbol("__vdso_clock_gettime");
    first = take_reading();
}

void clock_sync(void)
{
    struct host_shared_page *page = &loader_page;
    loader_lock(&lock);
    struct reading r = take_reading();
    u64 ticks = r.tsc - first.tsc;
    __atomic_store_n(&page->clock_seq, page->clock_seq + 1, __ATOMIC_SEQ_CST);
    page->tsc_base = r.tsc;
    page->monotonic_base_ns = r.monotonic;
    page->realtime_base_ns = r.realtime;
    page->mult = ticks ? (u64)(((unsigned __int128)(r.monotonic - first.monotonic) << 32) / ticks) : 0;
    __atomic_store_n(&page->clock_seq, page->clock_seq + 1, __ATOMIC_SEQ_CST);
    loader_unlock(&lock);
}
