// SPDX-License-Identifier: BSD-3-Clause
// Threads for the tests of sync/: pthreads with slots that stay, parked on futexes. Host calls are counted.
#pragma once

#include "libos/thread/thread.h"
#include "libos/thread/wake.h"
#include "test.h"

enum { FAKE_SLOTS = 64 };
extern struct slot_wake fake_slots[FAKE_SLOTS];
extern struct slot_wake *fake_called[FAKE_SLOTS]; // slots that were unparked or interrupted, in order
extern u32 fake_unparks, fake_interrupts;         // atomic
extern u32 fake_spurious;                         // parks that end at once, in percent

// A record of a thread in slot index, on the heap; the calling pthread becomes it.
struct thread *fake_become(u32 index);
void fake_reset(void);

// Runs fn on a new thread in a slot of its own. At most FAKE_SLOTS / 2 at a time; they get the upper half.
extern const char *fake_fault;    // of the lock checks; it ended its worker
extern bool fake_faults_expected; // else a fault ends the test

struct worker;
struct worker *worker_start(void (*fn)(void *), void *arg);
void worker_join(struct worker *worker); // its record is freed
void fake_pause_us(u32 us);
void *fake_alloc(size_t size); // zeroed
void fake_free(void *ptr);
