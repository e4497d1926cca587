// SPDX-License-Identifier: BSD-3-Clause
// The signing key: RSA-3072 with exponent 3, as a PEM file.
#pragma once

#include <openssl/evp.h>

#include "base/types.h"

// Loads the key at path, or the user's default key if path is NULL (made with mode 0600 and announced on stderr if
// there is none). 0 or -errno, after saying on stderr what is wrong. Free with EVP_PKEY_free.
__nodiscard int sign_key_load(const char *path, EVP_PKEY **ret_key);
