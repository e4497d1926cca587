// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/image_source.h"

#include "abi/linux/abi.h"
#include "base/bitmap.h"
#include "libos/mem/heap.h"
#include "trusted/hostmem.h"
#include "trusted/ocall.h"

enum { FETCH_BYTES = 128 << 10 }; // of one pread
#define WINDOW MIB(2)             // of one image_populate

static struct host_image host;
static u64 file_bytes; // of the blocks
static u64 *populated; // a bit for each window, set and cleared atomically; NULL: the file is not mapped

int image_source_init(const struct host_image *of, u64 blocks)
{
    host = *of;
    if (host.size / IMAGE_BLOCK < blocks)
        return -EIO;
    file_bytes = blocks * IMAGE_BLOCK;
    kfree(populated);
    populated = NULL;
    if (host.address && IS_ALIGNED(host.address, PAGE_SIZE) && hostmem_outside(host.address, file_bytes))
        populated = kzalloc(BITMAP_WORDS(DIV_ROUND_UP(file_bytes, WINDOW)) * sizeof(u64));
    return 0; // without memory for the bits: by pread
}

bool image_source_mapped(void) { return populated; }

// The host's page faults on its own file happen outside: taken by the enclave, each would be an exit of it.
static int populate(u64 window)
{
    u64 bit = 1ull << (window % 64), start = window * WINDOW;

    if (__atomic_load_n(&populated[window / 64], __ATOMIC_RELAXED) & bit)
        return 0;
    if (ocall_image_populate(start, MIN(WINDOW, file_bytes - start)) != 0)
        return -EIO;
    __atomic_fetch_or(&populated[window / 64], bit, __ATOMIC_RELAXED);
    return 0;
}

static int read_mapped(u64 offset, u8 *out, u64 size)
{
    while (size) {
        u64 window = offset / WINDOW, n = MIN(size, (window + 1) * WINDOW - offset);
        int err = populate(window);
        if (!err && !hostmem_try_copy_in(out, (const void __host *)(host.address + offset), n)) {
            __atomic_fetch_and(&populated[window / 64], ~(1ull << (window % 64)), __ATOMIC_RELAXED);
            err = -EIO; // the file shrank
        }
        if (err)
            return err;
        offset += n, out += n, size -= n;
    }
    return 0;
}

static int read_called(u64 offset, u8 *out, u64 size)
{
    for (u64 done = 0; done < size;) {
        s64 n = ocall_pread(host.fd, out + done, MIN(size - done, (u64)FETCH_BYTES), (s64)(offset + done));
        if (n <= 0)
            return -EIO;
        done += (u64)n;
    }
    return 0;
}

int image_source_read(u64 block, void *out, u64 count)
{
    u64 blocks = file_bytes / IMAGE_BLOCK;

    if (block >= blocks || count > blocks - block)
        return -EIO;
    return populated ? read_mapped(block * IMAGE_BLOCK, out, count * IMAGE_BLOCK)
                     : read_called(block * IMAGE_BLOCK, out, count * IMAGE_BLOCK);
}
