// SPDX-License-Identifier: BSD-3-Clause
#include "loader/clock.h"

#include <pthread.h>
#include <time.h>

static struct host_shared_page *page;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct reading {
    u64 tsc, monotonic, realtime;
};

static struct reading first;

static u64 rdtsc(void) { return __builtin_ia32_rdtsc(); }

static u64 now(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
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

void clock_init(struct host_shared_page *shared)
{
    page = shared;
    first = take_reading();
}

void clock_sync(void)
{
    pthread_mutex_lock(&lock);
    struct reading r = take_reading();
    u64 ticks = r.tsc - first.tsc;
    __atomic_store_n(&page->clock_seq, page->clock_seq + 1, __ATOMIC_SEQ_CST);
    page->tsc_base = r.tsc;
    page->monotonic_base_ns = r.monotonic;
    page->realtime_base_ns = r.realtime;
    page->mult = ticks ? (u64)(((unsigned __int128)(r.monotonic - first.monotonic) << 32) / ticks) : 0;
    __atomic_store_n(&page->clock_seq, page->clock_seq + 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&lock);
}
