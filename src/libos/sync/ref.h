// SPDX-License-Identifier: BSD-3-Clause
// The end of a reference count whose object is found by a list (base/refcount.h has the rules): the last reference goes
// only under the list's lock, so that a finder never meets a dying object.
//
//     if (ref_put_and_lock(&object->refs, &table_lock)) {
//         list_del(&object->link);
//         mutex_unlock(&table_lock);
//         object_free(object);
//     }
#pragma once

#include "base/refcount.h"
#include "libos/sync/mutex.h"

// One less. True if it was the last one: then the lock is held and nobody found the object meanwhile. May sleep.
__nodiscard static inline bool ref_put_and_lock(struct refcount *ref, struct mutex *lock)
{
    if (refcount_put_unless_last(ref))
        return false;
    mutex_lock(lock);
    if (refcount_put(ref))
        return true;
    mutex_unlock(lock);
    return false;
}

// The same with a spinlock. Does not sleep.
__nodiscard static inline bool ref_put_and_spin_lock(struct refcount *ref, struct spinlock *lock)
{
    if (refcount_put_unless_last(ref))
        return false;
    spin_lock(lock);
    if (refcount_put(ref))
        return true;
    spin_unlock(lock);
    return false;
}
