// SPDX-License-Identifier: BSD-3-Clause
// The LibOS's ELF file as the pages it has in memory.
#pragma once

#include "abi/occlum/layout.h"

struct libos_image {
    u8 *pages;                         // size bytes, zero where no segment lies
    u8 *access;                        // per page: SGX_SECINFO_R | W | X; 0 if there is no page
    u64 size;                          // page aligned
    u64 entry;                         // offset from the start of the image
    u64 layout;                        // offset of the struct enclave_layout to fill in
    u64 relocations, relocation_count; // offset of the Elf64_Rela array, applied by libos_image_place
};

// Takes apart a static-PIE ELF64 of len bytes, which may be hostile: only R_X86_64_RELATIVE relocations, no
// interpreter, no library, no undefined symbol, no segment that is writable and executable, one .occlum.layout
// section. 0, -ENOMEM or -ENOEXEC with *ret_why. Free with libos_image_free.
__nodiscard int libos_image_read(const u8 *elf, size_t len, struct libos_image *ret_image, const char **ret_why);

// Relocates the image to layout->image_start and writes the layout into it.
void libos_image_place(struct libos_image *image, const struct enclave_layout *layout);

void libos_image_free(struct libos_image *image);
