// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/cred.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"

static const struct cred root = { .permitted = CAP_EVERY, .effective = CAP_EVERY, .bounding = CAP_EVERY };

const struct cred *current_cred(void)
{
    const struct thread *self = current; // none yet while the file systems are mounted
    return likely(!self || !self->cred) ? &root : self->cred;
}

// The counter alone changes.
static u32 *counter(const struct cred *cred) { return (u32 *)(uintptr_t)&cred->refs; }

const struct cred *cred_ref(const struct cred *cred)
{
    if (cred && cred != &root)
        __atomic_fetch_add(counter(cred), 1, __ATOMIC_RELAXED);
    return cred;
}

void cred_unref(const struct cred *cred)
{
    if (cred && cred != &root && __atomic_fetch_sub(counter(cred), 1, __ATOMIC_ACQ_REL) == 1)
        kfree((void *)(uintptr_t)cred);
}

const struct cred *thread_cred(struct thread *thread)
{
    spin_lock(&thread->resources_lock);
    const struct cred *cred = cred_ref(thread->cred ? thread->cred : &root);
    spin_unlock(&thread->resources_lock);
    return cred;
}

struct cred *cred_copy(const struct cred *cred, const u32 *groups, u32 group_count)
{
    u32 count = groups ? group_count : cred->group_count;
    struct cred *copy = kmalloc(sizeof(*copy) + count * sizeof(u32));

    if (!copy)
        return NULL;
    const size_t counted = offsetof(struct cred, uid); // others count references meanwhile
    memcpy((u8 *)copy + counted, (const u8 *)cred + counted, sizeof(*copy) - counted);
    copy->refs = 1;
    copy->group_count = count;
    memcpy(copy->groups, groups ? groups : cred->groups, count * sizeof(u32));
    return copy;
}

void cred_set(struct cred *cred) { cred_unref(thread_swap(cred, (const struct cred *)cred)); }

bool cred_in_group(const struct cred *cred, u32 gid)
{
    u32 low = 0, high = cred->group_count;

    if (cred->fsgid == gid)
        return true;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (cred->groups[middle] == gid)
            return true;
        if (cred->groups[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
