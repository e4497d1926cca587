// SPDX-License-Identifier: BSD-3-Clause
// Random system calls from a table: each argument has a letter that says what fits there.
#pragma once

#include "user.h"

// One thread's generator. Everything it makes up follows from the seed alone.
struct generator {
    struct user_random random;
    user_addr buffer; // GENERATOR_BUFFER bytes for data
    user_addr area;   // GENERATOR_AREA bytes that calls map, unmap and protect; shared by the threads of a program
    user_addr words;  // a page of futex words, shared
    const u32 *pids;  // GENERATOR_PIDS numbers that kill and wait may take
    u32 descriptors;  // numbers below this are used
    bool determined;  // only calls whose answer is determined; paths stay in the current folder
};

#define GENERATOR_BUFFER KIB(32)
#define GENERATOR_AREA KIB(256)
enum { GENERATOR_PIDS = 8 };

struct generated_call {
    const char *name;
    long number;
    u64 args[6];
    char path[2][64];    // for messages
    user_addr out;       // buffer that the call may write, 0: none
    size_t out_size;     // bytes
    bool compare_result; // both kernels must give the same result
};

// The next call, with what its pointers point to in place.
void generate_call(struct generator *generator, struct generated_call *ret_call);
