// SPDX-License-Identifier: BSD-3-Clause
// Reference counts. The rules, which every count of the LibOS follows:
//
// - Who creates an object holds the first reference. A pointer that may outlive the lock under which it was read holds
// one.
// - refcount_get needs a reference that stands still meanwhile: the caller's own, or one kept by a lock that is held.
// - A pointer that holds no reference (a list or table by which the object is found) is followed under the lock of that
//   list only, by refcount_get_unless_zero: 0 means that the last holder is on its way to take it off.
// - The last holder takes the object off such a list before it frees it. Where a finder must never meet a dying object
// the
//   count drops to 0 only under the list's lock: ref_put_and_lock (libos/sync/ref.h).
// - After refcount_put, and after the unlock of a lock inside the object, nothing of the object is touched.
#pragma once

#include "base/types.h"

struct refcount {
    u32 count; // atomic; 0: being freed
};

#define REFCOUNT_INIT(n) \
    {                    \
        n                \
    }

static inline void refcount_init(struct refcount *ref, u32 count)
{
    __atomic_store_n(&ref->count, count, __ATOMIC_RELAXED);
}

// The count at some moment: for reports, and to see whether the caller is alone (1) while nobody else can find the
// object.
static inline u32 refcount_read(const struct refcount *ref) { return __atomic_load_n(&ref->count, __ATOMIC_ACQUIRE); }

// One more. From 0, or beyond 2^31 - 1, is a bug that would end in a use after free: it stops here.
static inline void refcount_get(struct refcount *ref)
{
    if (unlikely(__atomic_fetch_add(&ref->count, 1, __ATOMIC_RELAXED) - 1 >= INT32_MAX - 1))
        __builtin_trap();
}

// One more unless the object is being freed. The lock by which it was found is held. True if it was taken.
__nodiscard static inline bool refcount_get_unless_zero(struct refcount *ref)
{
    u32 count = __atomic_load_n(&ref->count, __ATOMIC_RELAXED);

    do {
        if (!count)
            return false;
        if (unlikely(count >= INT32_MAX))
            __builtin_trap();
    } while (!__atomic_compare_exchange_n(&ref->count, &count, count + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return true;
}

// One less. True if it was the last one: the caller frees the object, and sees all that others did with it before.
__nodiscard static inline bool refcount_put(struct refcount *ref)
{
    u32 before = __atomic_fetch_sub(&ref->count, 1, __ATOMIC_ACQ_REL);

    if (unlikely(!before))
        __builtin_trap();
    return before == 1;
}

// One less unless it is the last one. True if it was dropped; else the caller still holds it.
__nodiscard static inline bool refcount_put_unless_last(struct refcount *ref)
{
    u32 count = __atomic_load_n(&ref->count, __ATOMIC_RELAXED);

    do {
        if (count <= 1)
            return false;
    } while (!__atomic_compare_exchange_n(&ref->count, &count, count - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}
