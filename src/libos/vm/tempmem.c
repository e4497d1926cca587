// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/tempmem.h"
#include "abi/linux/abi.h"
#include "trusted/log.h"
#include "libos/mem/account.h"
#include "libos/mem/range.h"
#include "trusted/emm.h"

void *tempmem_place(u64 size, u64 lo, u64 hi, u32 prot, page_source source, void *arg)
{
    u64 at, len = ALIGN_UP(size, PAGE_SIZE), pages = len / PAGE_SIZE;

    if (!len || range_descriptor_add())
        return NULL;
    if (account_charge(pages) == 0) {
        if (range_alloc(len, PAGE_SIZE, lo, hi, &at)) {
            // Nobody else knows of it yet.
            if ((source ? place_pages(at, at + len, prot, true, source, arg) : emm_commit(at, len)) == 0)
                return (void *)at;
            range_release(at, len);
        }
        account_uncharge(pages);
    }
    range_descriptor_drop();
    return NULL;
}

void *tempmem_alloc(u64 size, u64 lo, u64 hi) { return tempmem_place(size, lo, hi, 0, NULL, NULL); }

void tempmem_free(void *memory, u64 size)
{
    u64 at = (u64)(uintptr_t)memory, len = ALIGN_UP(size, PAGE_SIZE);

    if (!memory)
        return;
    if (emm_discard(at, len) != 0) {
        log_error("memory at %#lx cannot be given back", at); // stays charged and taken: it may still be accessible
        return;
    }
    account_uncharge(len / PAGE_SIZE);
    range_release(at, len);
    range_descriptor_drop();
}
