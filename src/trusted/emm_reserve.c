// SPDX-License-Identifier: BSD-3-Clause
// Memory that a program frees it often asks for again at once. The last few MiB that were freed stay, zeroed and
// hidden; the oldest are trimmed when there are more.
#include "trusted/spinlock.h"
#include "trusted/emm.h"
#include "trusted/emm_edmm.h"
#include "trusted/exit.h"
#include "trusted/ocall.h"
#include "trusted/pagemap.h"

#define RESERVE_PAGES (MIB(4) / PAGE_SIZE)
#define RANGES 128u

struct range {
    u64 addr, count;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_EMM_RESERVE);
static struct range ranges[RANGES]; // ring: what became idle, in order; parts of it may have been used since
static u32 first, used;             // guarded by lock
static s64 idle;                    // pages; atomic

bool reserve_admits(u8 state, u64 addr, u64 count)
{
    if (state & PAGE_INITIAL)
        return true;
    if (count > RESERVE_PAGES / 4)
        return false; // much at once is rarely wanted back at once
    spin_lock(&lock);
    bool room = used < RANGES;
    if (room) {
        ranges[(first + used) % RANGES] = (struct range){ addr, count };
        WRITE_ONCE(used, used + 1);                              // over() looks without the lock
        __atomic_fetch_add(&idle, (s64)count, __ATOMIC_RELAXED); // reserve_taken counts without the lock
    }
    spin_unlock(&lock);
    return room;
}

void reserve_taken(u8 state, u64 count)
{
    if (!(state & PAGE_INITIAL))
        __atomic_fetch_sub(&idle, (s64)count, __ATOMIC_RELAXED);
}

static bool over(void) { return READ_ONCE(idle) > (s64)RESERVE_PAGES || READ_ONCE(used) > RANGES / 2; }

static bool oldest(struct range *ret_range)
{
    bool found = false;
    spin_lock(&lock);
    if (over() && used) {
        *ret_range = ranges[first];
        first = (first + 1) % RANGES;
        WRITE_ONCE(used, used - 1);
        found = true;
    }
    spin_unlock(&lock);
    return found;
}

// Trims what is still idle of the range, in runs. A page that someone is using right now is left alone.
static void trim_range(struct range range)
{
    u64 i = 0;
    while (i < range.count) {
        u64 leaf_count, addr = range.addr + i * PAGE_SIZE, n = 0;
        u8 *states = pagemap_get(addr, false, &leaf_count), old = 0;
        u64 most = MIN(range.count - i, leaf_count);
        while (states && n < most && page_trylock(&states[n], &old)) {
            if (!(old & PAGE_IDLE) || (old & PAGE_INITIAL)) {
                page_unlock(&states[n], old);
                break;
            }
            n++;
        }
        if (n) {
            edmm_trim_hidden(addr, n);
            reserve_taken(0, n);
        }
        for (u64 k = 0; k < n; k++)
            page_unlock(&states[k], 0);
        i += MAX(n, 1u);
    }
}

void reserve_shrink(void)
{
    struct range range;
    while (over() && oldest(&range))
        trim_range(range);
}
