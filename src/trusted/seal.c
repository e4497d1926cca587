// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/seal.h"

#include <asm/errno.h>

#include "base/string.h"
#include "trusted/enclu.h"

enum { HALF = 16 };

void seal_cpusvn(u8 ret_cpusvn[SEAL_CPUSVN])
{
    static const u8 data[64] __aligned_to(128);
    struct sgx_targetinfo nobody __aligned_to(512) = { 0 };
    struct sgx_report report __aligned_to(512);

    enclu_ereport(&nobody, data, &report);
    memcpy(ret_cpusvn, report.body.cpusvn, SEAL_CPUSVN);
}

int seal_key(const u8 cpusvn[SEAL_CPUSVN], u8 ret_key[32])
{
    struct sgx_keyrequest request = { .keyname = SGX_KEYSELECT_SEAL, .keypolicy = SGX_KEYPOLICY_MRSIGNER };
    u8 half[HALF] __aligned_to(16);
    u64 result = 0;

    memcpy(request.cpusvn, cpusvn, SEAL_CPUSVN);
    // What must be the same of ATTRIBUTES: above all DEBUG.
    request.attributemask.flags = SGX_ATTR_INIT | SGX_ATTR_DEBUG;
    for (u8 part = 0; part < 2 && !result; part++) { // EGETKEY gives 128 bits at a time
        request.keyid[0] = (u8)(part + 1);
        result = enclu_egetkey(&request, half);
        memcpy(ret_key + part * HALF, half, HALF);
    }
    memset(half, 0, sizeof(half));
    barrier();
    return result ? -EIO : 0;
}
