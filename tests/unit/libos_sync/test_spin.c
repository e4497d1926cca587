// SPDX-License-Identifier: BSD-3-Clause
// When a thread spins before it sleeps, and when it does not, by a clock of the test's own.
#include "libos/thread/spin.h"
#include "libos/thread/thread.h"
#include "test.h"
#include "trusted/cpu.h"

enum { STEP = 100 };

static u64 ticks;    // the clock: every look at it takes STEP
static u64 token_at; // when the wake-up comes
static bool readable = true;
static struct slot_wake slot;
static struct thread self = { .wake = &slot };

bool cpu_has_tsc(void) { return readable; }

u64 cpu_tsc(void)
{
    ticks += STEP;
    if (ticks >= token_at)
        slot.park_token = 1;
    return ticks;
}

static void begin(u64 cpus)
{
    self = (struct thread){ .wake = &slot };
    slot = (struct slot_wake){ 0 };
    token_at = UINT64_MAX;
    spinning_init(cpus);
    for (int i = 0; i < 200; i++)
        spin_learn(20000);
}

// Ticks that a try takes; *ret_woken: its answer.
static u64 try_after(u64 delay, bool *ret_woken)
{
    u64 begun = ticks;
    token_at = delay == UINT64_MAX ? delay : ticks + delay;
    slot.park_token = 0;
    *ret_woken = thread_spin(&self);
    return ticks - begun;
}

TEST(a_wake_up_that_comes_soon_is_taken_inside)
{
    bool woken;
    begin(2);
    CHECK(try_after(5000, &woken) < 6000);
    CHECK(woken);
}

TEST(it_spins_no_longer_than_a_wake_up_takes_however_long_that_is_said_to_be)
{
    bool woken;
    begin(2);
    u64 spent = try_after(UINT64_MAX, &woken);
    CHECK(!woken);
    CHECK(spent > 15000 && spent < 25000);
    for (int i = 0; i < 200; i++)
        spin_learn(UINT64_MAX);
    self.spins_in_vain = 0;
    CHECK(try_after(UINT64_MAX, &woken) < 200000);
    CHECK(!woken);
}

TEST(who_spins_in_vain_stops_and_tries_again_now_and_then)
{
    bool woken;
    u32 tries = 0;
    begin(2);
    for (int i = 0; i < 1000; i++)
        tries += try_after(UINT64_MAX, &woken) > 0;
    CHECK(tries > 10 && tries < 30);
    for (int i = 0; i < 64; i++) // one of these finds that it pays again
        try_after(1000, &woken);
    CHECK(try_after(1000, &woken) > 0);
    CHECK(woken);
}

TEST(pending_work_ends_it)
{
    bool woken;
    begin(2);
    slot.pending = 1;
    CHECK(try_after(5000, &woken) < 1000);
    CHECK(!woken);
}

TEST(nobody_spins_on_one_processor_or_without_a_counter)
{
    bool woken;
    begin(1);
    CHECK_EQ(try_after(1000, &woken), 0);
    begin(0);
    CHECK_EQ(try_after(1000, &woken), 0);
    readable = false;
    begin(8);
    CHECK_EQ(try_after(1000, &woken), 0);
    readable = true;
}
