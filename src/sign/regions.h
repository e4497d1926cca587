// SPDX-License-Identifier: BSD-3-Clause
// The pages of an enclave as a table of regions, in the order in which they are added.
#pragma once

#include "abi/occlum/layout.h"
#include "sign/libos_elf.h"

struct region_table {
    struct enclave_region *entries;
    u32 count;
    u64 file_size; // bytes of the enclave file
};

// First byte of the region table in the enclave file.
#define REGION_TABLE_OFFSET PAGE_SIZE

// Lays out the regions and their places in the file. 0 or -ENOMEM. Free ret_table->entries with free().
__nodiscard int regions_make(const struct enclave_layout *layout, const struct libos_image *image,
                             struct region_table *ret_table);

// Contents of the page at addr; writes into `buffer` what is not to be found elsewhere. Only for regions with bytes.
const u8 *region_page(const struct enclave_layout *layout, const struct libos_image *image, const u8 *config, u64 addr,
                      u8 buffer[PAGE_SIZE]);
