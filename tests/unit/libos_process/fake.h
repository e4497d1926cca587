// SPDX-License-Identifier: BSD-3-Clause
// A machine for the process and signal tests: one thread, user memory that is an array, files that are byte strings.
#pragma once

#include "libos/process/process.h"
#include "test.h"

enum { FAKE_USER_SIZE = 1 << 20 };
extern u8 fake_user[FAKE_USER_SIZE];
extern struct thread fake_thread;
extern struct user_regs fake_regs;
extern int fake_forced;    // signal of the last signal_force
extern u64 fake_maps;      // calls of vm_map
extern u64 fake_bad_calls; // calls with arguments no caller may make
extern u32 fake_unparks, fake_restores;
extern u8 fake_restored[4096]; // what vector_restore got

struct file {
    const u8 *bytes;
    size_t size;
};

static inline u64 user_addr(size_t offset) { return (u64)(uintptr_t)fake_user + offset; }
void fake_reset(void);
