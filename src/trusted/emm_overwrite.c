// SPDX-License-Identifier: BSD-3-Clause
// Contents of pages exchanged as a whole, made of the emm's other operations.
#include "base/string.h"
#include "trusted/emm.h"

int emm_overwrite(u64 addr, u64 len, u64 from, u32 prot)
{
    int err;
    if (emm_caps()->copies && prot != (EMM_READ | EMM_WRITE)) {
        // New pages that are born with their contents and their protection: code is never writable on the way.
        err = emm_discard(addr, len);
        return err ? err : emm_copy(addr, len, from, prot);
    }
    err = emm_commit(addr, len);
    if (!err)
        err = emm_protect(addr, len, EMM_READ | EMM_WRITE);
    if (err)
        return err;
    memcpy((void *)(uintptr_t)addr, (const void *)(uintptr_t)from, len);
    return prot == (EMM_READ | EMM_WRITE) ? 0 : emm_protect(addr, len, prot);
}
