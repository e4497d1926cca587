// SPDX-License-Identifier: BSD-3-Clause
#include "lies.h"

#include <string.h>

#include "abi/occlum/entry.h"
#include "abi/occlum/ocall_numbers.h"
#include "bench.h"

static __thread u64 state;

static u64 next(void)
{
    if (!state)
        state = bench_options.seed + (u64)(uintptr_t)&state; // a thread's lies are its own
    u64 z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    return z ^ (z >> 27);
}

static u64 below(u64 n) { return next() % n; }

// The answers that go with memory and threads: a false one may end the enclave, and docs/ocalls.md says so.
static bool ends_enclave(u64 number)
{
    switch (number) {
    case OCALL_THREAD_START:
    case OCALL_SET_FS:
    case OCALL_MEM_PROTECT:
    case OCALL_MEM_DISCARD:
    case OCALL_MEM_COMMIT:
    case OCALL_MEM_MOVE:
    case OCALL_EDMM_RESTRICT:
    case OCALL_EDMM_TYPE:
    case OCALL_EDMM_REMOVE:
        return true;
    default:
        return false;
    }
}

static s64 false_result(const u64 arg[8], s64 result)
{
    static const s64 odd[] = { 0,     1,     -1,        -4,        -11,     -12,           -133,      -134,
                               -4095, -4096, INT64_MIN, INT64_MAX, 1 << 20, (1 << 20) + 1, INT32_MAX, UINT32_MAX };

    switch (below(6)) {
    case 0:
        return -(s64)(1 + below(133));
    case 1:
        return odd[below(ARRAY_SIZE(odd))];
    case 2:
        return (s64)arg[below(8)] + (s64)below(3) - 1; // a size, or nearly
    case 3:
        return result + (s64)below(3) - 1;
    case 4:
        return (s64)next() >> below(64);
    default:
        return result;
    }
}

// What the host wrote, or did not write, into its own memory: the data of the call, and the frame that the enclave must
// not believe any more.
static void spoil_arena(struct ocall_frame *frame)
{
    u8 *bytes = (u8 *)frame;
    u64 reach = below(4) ? 512 : 8192;

    for (u64 count = 1 + below(8); count; count--) {
        u64 at = below(reach);
        if (below(2))
            bytes[at] ^= (u8)(1u << below(8));
        else
            memset(bytes + at, (int)below(256), 1 + below(64));
    }
}

s64 lies_tell(u64 number, struct ocall_frame *frame, const u64 arg[8], s64 result)
{
    if (below(bench_options.lies))
        return result;
    __atomic_fetch_add(&lies_told, 1, __ATOMIC_RELAXED);
    if (below(3) == 0)
        spoil_arena(frame);
    s64 told = false_result(arg, result);
    if (number == OCALL_OPEN && told >= 0 && told != result)
        told |= 1 << 19; // a descriptor that is not: never one of the bench's own
    bool no_error = number == OCALL_THREAD_START || number == OCALL_SET_FS; // an error of theirs is a lie, too
    if (ends_enclave(number) && told != 0 && (told < -133 || told > 0 || no_error))
        return result;
    return told;
}

u64 lies_told;

s64 lies_invent(u64 number, struct ocall_frame *frame, const u64 arg[8])
{
    if (below(2))
        spoil_arena(frame);
    return false_result(arg, 0);
}
