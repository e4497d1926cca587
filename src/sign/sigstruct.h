// SPDX-License-Identifier: BSD-3-Clause
// SIGSTRUCT of an enclave (SDM 35.13).
#pragma once

#include <openssl/evp.h>

#include "abi/sgx/arch.h"
#include "sign/enclave_xml.h"

// Fills in and signs. 0 or -EIO.
__nodiscard int sigstruct_make(const struct enclave_xml *xml, const u8 mrenclave[32], EVP_PKEY *key,
                               struct sgx_sigstruct *ret_sig);

// SHA-256 of the modulus. 0 or -EIO.
__nodiscard int sigstruct_mrsigner(const struct sgx_sigstruct *sig, u8 ret_mrsigner[32]);
