// SPDX-License-Identifier: BSD-3-Clause
#include "sign/measure.h"

#include <errno.h>
#include <string.h>

#define EEXTEND_CHUNK 256

static void update(struct measure *m, const void *bytes, size_t len)
{
    m->failed = m->failed || EVP_DigestUpdate(m->ctx, bytes, len) != 1;
}

void measure_ecreate(struct measure *m, u32 ssaframesize, u64 elrange_size)
{
    const struct {
        char tag[8];
        u32 ssaframesize;
        u64 size;
        u8 zero[44];
    } __packed record = { "ECREATE", ssaframesize, elrange_size, { 0 } };
    static_assert(sizeof(record) == 64);

    m->ctx = EVP_MD_CTX_new();
    m->failed = !m->ctx || EVP_DigestInit_ex(m->ctx, EVP_sha256(), NULL) != 1;
    update(m, &record, sizeof(record));
}

void measure_eadd(struct measure *m, u64 offset, u64 secinfo_flags)
{
    const struct {
        char tag[8];
        u64 offset, flags;
        u8 zero[40]; // the record holds the first 48 bytes of SECINFO
    } record = { "EADD", offset, secinfo_flags, { 0 } };
    static_assert(sizeof(record) == 64);

    update(m, &record, sizeof(record));
}

void measure_eextend(struct measure *m, u64 offset, const u8 page[PAGE_SIZE])
{
    struct {
        char tag[8];
        u64 offset;
        u8 zero[48];
    } record = { "EEXTEND", 0, { 0 } };
    static_assert(sizeof(record) == 64);

    for (u64 at = 0; at < PAGE_SIZE; at += EEXTEND_CHUNK) {
        record.offset = offset + at;
        update(m, &record, sizeof(record));
        update(m, page + at, EEXTEND_CHUNK);
    }
}

int measure_finish(struct measure *m, u8 ret_mrenclave[32])
{
    bool ok = !m->failed && EVP_DigestFinal_ex(m->ctx, ret_mrenclave, NULL) == 1;
    EVP_MD_CTX_free(m->ctx);
    return ok ? 0 : -EIO;
}
