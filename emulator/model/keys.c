// SPDX-License-Identifier: BSD-3-Clause
// Key derivation: CMAC of struct key_dependencies under the root key (README.md).
#include "internal.h"

#include "base/string.h"
#include "crypto/aes.h"

int derive_key(const struct sgx_model *m, const struct key_dependencies *d, u8 ret_key[16])
{
    struct key_dependencies marked = *d;

    memcpy(marked.vendor, "SGX2EMU KEYS v1", sizeof(marked.vendor));
    return aes128_cmac(m->root_key, &marked, sizeof(marked), ret_key);
}

int derive_report_key(const struct sgx_model *m, const struct sgx_targetinfo *target, const u8 keyid[32],
                      u8 ret_key[16])
{
    struct key_dependencies d = { .keyname = SGX_KEYSELECT_REPORT,
                                  .configsvn = target->configsvn,
                                  .miscselect = target->miscselect,
                                  .attributes = target->attributes };

    memcpy(d.mrenclave, target->measurement, sizeof(d.mrenclave));
    memcpy(d.configid, target->configid, sizeof(d.configid));
    memcpy(d.keyid, keyid, sizeof(d.keyid));
    memcpy(d.cpusvn, m->cpusvn, sizeof(d.cpusvn));
    memcpy(d.owner_epoch, m->owner_epoch, sizeof(d.owner_epoch));
    return derive_key(m, &d, ret_key);
}
