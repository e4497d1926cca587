// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: an ELF file for the signer. No page of what is accepted may be writable and executable.
#include <stdlib.h>

#include "sign/libos_elf.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    const struct enclave_layout layout = { .image_start = MIB(2) };
    struct libos_image image;
    const char *why;

    if (libos_image_read(data, size, &image, &why) != 0)
        return 0;
    for (u64 i = 0; i < image.size / PAGE_SIZE; i++)
        if ((image.access[i] & SGX_SECINFO_W) && (image.access[i] & SGX_SECINFO_X))
            abort();
    libos_image_place(&image, &layout);
    libos_image_free(&image);
    return 0;
}
