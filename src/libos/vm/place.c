// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/place.h"

#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

static u8 *bytes_at(u64 addr) { return (u8 *)(uintptr_t)addr; }

static int fill_in_place(u64 start, u64 end, u32 prot, page_source source, void *arg)
{
    int err = emm_commit(start, end - start);
    if (err)
        return err;
    err = source(arg, start, end - start, bytes_at(start));
    if (!err && prot != (EMM_READ | EMM_WRITE))
        err = emm_protect(start, end - start, prot);
    if (err && emm_discard(start, end - start) != 0)
        return -ENOMEM;
    return err;
}

static int fill_staged(u64 start, u64 end, u32 prot, page_source source, void *arg, u64 staging)
{
    int err = emm_commit(staging, end - start);
    if (err)
        return err;
    err = source(arg, start, end - start, bytes_at(staging));
    if (!err)
        err = emm_publish(start, end - start, staging, prot);
    if (err && emm_discard(staging, end - start) != 0)
        return -ENOMEM;
    return err;
}

// Prepared where nobody looks.
static int fill_aside(u64 start, u64 end, u32 prot, page_source source, void *arg)
{
    u64 staging;
    int err = range_descriptor_add();
    if (err)
        return err;
    err = -ENOMEM;
    if (range_alloc(end - start, PAGE_SIZE, enclave_layout.user_start, enclave_layout.user_end, &staging)) {
        err = fill_staged(start, end, prot, source, arg, staging);
        range_release(staging, end - start);
    }
    range_descriptor_drop();
    return err;
}

// Pages of EDMM come to their place as copies, each in one step.
#define COPY_BATCH 16u

static int fill_by_copy(u64 start, u64 end, u32 prot, page_source source, void *arg)
{
    u64 batch = MIN((end - start) / PAGE_SIZE, COPY_BATCH);
    u8 *buffer = kpages_alloc(batch);
    int err = buffer ? 0 : -ENOMEM;

    emm_prefetch(start, end - start);
    for (u64 at = start; at < end && !err; at += batch * PAGE_SIZE) {
        u64 len = MIN(batch * PAGE_SIZE, end - at);
        memset(buffer, 0, len);
        err = source(arg, at, len, buffer);
        if (!err)
            err = emm_copy(at, len, (u64)(uintptr_t)buffer, prot);
    }
    if (buffer)
        kpages_free(buffer, batch);
    if (err && emm_discard(start, end - start) != 0)
        return -ENOMEM;
    return err;
}

int place_pages(u64 start, u64 end, u32 prot, bool alone, page_source source, void *arg)
{
    if (emm_caps()->copies)
        return fill_by_copy(start, end, prot, source, arg);
    if (alone)
        return fill_in_place(start, end, prot, source, arg);
    return fill_aside(start, end, prot, source, arg);
}
