// SPDX-License-Identifier: BSD-3-Clause
// SIGSTRUCT with a fresh key: valid as made, not valid with any byte of a signed field changed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/rsa.h"
#include "sign/key.h"
#include "sign/sigstruct.h"
#include "test.h"

static bool make(struct sgx_sigstruct *sig)
{
    static const u8 mrenclave[32] = { 1, 2, 3 };
    const struct enclave_xml xml = { .prod_id = 5 };
    char folder[] = "/tmp/occlum-test-XXXXXX", command[64];
    EVP_PKEY *key;

    if (!mkdtemp(folder) || setenv("XDG_CONFIG_HOME", folder, 1) != 0)
        return false;
    bool ok = sign_key_load(NULL, &key) == 0;
    if (ok) {
        ok = sigstruct_make(&xml, mrenclave, key, sig) == 0;
        EVP_PKEY_free(key);
    }
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) == 0 && ok;
}

TEST(every_changed_field_is_found)
{
    static const size_t unsigned_start = offsetof(struct sgx_sigstruct, reserved4);
    struct sgx_sigstruct sig;
    CHECK(make(&sig));
    CHECK_EQ(rsa_sigstruct_verify(&sig), 0);
    for (size_t at = 0; at < sizeof(sig); at += 7) {
        if (at >= unsigned_start && at < offsetof(struct sgx_sigstruct, q1))
            continue; // reserved4 is not signed: EINIT demands zeros there
        ((u8 *)&sig)[at] ^= 0x20;
        CHECK_EQ(rsa_sigstruct_verify(&sig), -EBADMSG);
        ((u8 *)&sig)[at] ^= 0x20;
    }
    CHECK_EQ(rsa_sigstruct_verify(&sig), 0);
}

TEST(degenerate_numbers)
{
    struct sgx_sigstruct sig = { .exponent = 3 };
    CHECK_EQ(rsa_sigstruct_verify(&sig), -EBADMSG);
    for (size_t i = 0; i < sizeof(sig.modulus); i++)
        sig.modulus[i] = sig.signature[i] = 0xff;
    CHECK_EQ(rsa_sigstruct_verify(&sig), -EBADMSG);
}
