// SPDX-License-Identifier: BSD-3-Clause
// MRENCLAVE by replay of ECREATE, EADD and EEXTEND (SDM 36.1, 38.3).
#pragma once

#include <openssl/evp.h>

#include "abi/sgx/arch.h"

struct measure {
    EVP_MD_CTX *ctx;
    bool failed; // of OpenSSL; reported by measure_finish
};

void measure_ecreate(struct measure *m, u32 ssaframesize, u64 elrange_size);
void measure_eadd(struct measure *m, u64 offset, u64 secinfo_flags);
// All 16 chunks of the page at offset.
void measure_eextend(struct measure *m, u64 offset, const u8 page[PAGE_SIZE]);
// 0 or -EIO. Frees what measure_ecreate made.
__nodiscard int measure_finish(struct measure *m, u8 ret_mrenclave[32]);
