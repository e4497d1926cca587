// SPDX-License-Identifier: BSD-3-Clause
#include "loader/enclave_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/checked.h"

static int refuse(const char *path, const char *why)
{
    fprintf(stderr, "occlum: %s: %s. Build the instance again: occlum build -f\n", path, why);
    return -EINVAL;
}

static bool region_ok(const struct enclave_file *file, const struct enclave_region *region)
{
    const struct enclave_layout *layout = &file->header->layout;
    if (!region->size || !IS_ALIGNED(region->addr | region->size | region->file_offset, PAGE_SIZE))
        return false;
    if (!range_within(region->addr, region->size, layout->user_start, layout->elrange_size))
        return false;
    return region->flags & ENCLAVE_REGION_ZERO || range_within(region->file_offset, region->size, 0, file->size);
}

static int check(const char *path, const struct enclave_file *file)
{
    const struct enclave_file_header *h = file->header;
    u64 table_size;

    if (file->size < sizeof(*h) || h->magic != ENCLAVE_FILE_MAGIC)
        return refuse(path, "not a signed enclave");
    if (h->version != ENCLAVE_FILE_VERSION)
        return refuse(path, "made by another version of occlum");
    if (h->size != file->size)
        return refuse(path, "cut short");
    if (mul_overflow_u64(h->region_count, sizeof(struct enclave_region), &table_size) ||
        !range_within(h->region_offset, table_size, 0, file->size) || !IS_ALIGNED(h->region_offset, 8))
        return refuse(path, "the region table lies outside the file");
    for (u32 i = 0; i < h->region_count; i++)
        if (!region_ok(file, (const struct enclave_region *)(file->bytes + h->region_offset) + i))
            return refuse(path, "a region is not where it can be");
    return 0;
}

int enclave_file_open(const char *path, int fd, struct enclave_file *ret_file)
{
    struct enclave_file file = { .fd = fd };
    struct stat st;

    if (fstat(file.fd, &st) != 0)
        return refuse(path, strerror(errno));
    file.size = (u64)st.st_size;
    void *bytes = file.size ? mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, file.fd, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED)
        return refuse(path, "empty or unreadable");
    file.bytes = bytes;
    file.header = bytes;
    int err = check(path, &file);
    if (err) {
        munmap(bytes, file.size);
        return err;
    }
    file.regions = (const struct enclave_region *)(file.bytes + file.header->region_offset);
    *ret_file = file;
    return 0;
}
