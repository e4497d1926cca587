// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/random.h"
#include "base/string.h"
#include "trusted/exit.h"

u64 random_u64(void)
{
    // SDM 7.3.17: ten retries without success mean that the generator is broken.
    for (int i = 0; i < 10; i++) {
        u64 value;
        bool ok;
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
        if (ok)
            return value;
    }
    enclave_abort(ABORT_RANDOM);
}

void random_bytes(void *buf, size_t size)
{
    u8 *out = buf;
    while (size) {
        u64 value = random_u64();
        size_t n = MIN(size, sizeof(value));
        memcpy(out, &value, n);
        out += n, size -= n;
    }
}
