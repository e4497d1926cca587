// SPDX-License-Identifier: BSD-3-Clause
// Writes the enclave file and measures what it writes, page by page.
#pragma once

#include <openssl/evp.h>

#include "sign/regions.h"

struct writer_input {
    const struct enclave_xml *xml;
    const struct enclave_layout *layout;
    const struct libos_image *image; // placed
    const u8 *config;
    EVP_PKEY *key;
    const char *path; // appears whole, or not at all
};

// 0 or -errno; silent.
__nodiscard int enclave_write(const struct writer_input *in, struct sgx_sigstruct *ret_sig);
