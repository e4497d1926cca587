// SPDX-License-Identifier: BSD-3-Clause
// HOST: RSA-3072 as EINIT uses it.
#pragma once

#include "abi/sgx/arch.h"

// SHA-256 of the signed parts of SIGSTRUCT: bytes 0..127 and 900..1027 (SDM 35.13). 0 or -EIO.
__nodiscard int rsa_sigstruct_digest(const struct sgx_sigstruct *sig, u8 ret_digest[32]);

// Checks exponent, modulus, Q1, Q2 and the PKCS#1 v1.5 signature of SIGSTRUCT as EINIT does (SDM 38.3).
// 0, -EBADMSG if it is not valid, or -EIO if OpenSSL failed.
__nodiscard int rsa_sigstruct_verify(const struct sgx_sigstruct *sig);

// Computes Q1 and Q2 from signature and modulus (little-endian, 384 bytes): q1 = s*s / m, q2 = s * (s*s mod m) / m.
// 0, -EBADMSG if they do not fit 384 bytes (s >= m, or m = 0), or -EIO.
__nodiscard int rsa_sigstruct_quotients(const u8 signature[384], const u8 modulus[384], u8 ret_q1[384], u8 ret_q2[384]);
