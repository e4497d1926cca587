// SPDX-License-Identifier: BSD-3-Clause
#include "sign/writer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign/measure.h"
#include "sign/sigstruct.h"

static_assert(sizeof(struct enclave_file_header) <= REGION_TABLE_OFFSET);

static int write_at(FILE *file, u64 offset, const void *bytes, size_t size)
{
    if (fseeko(file, (off_t)offset, SEEK_SET) != 0 || fwrite(bytes, 1, size, file) != size)
        return errno ? -errno : -EIO;
    return 0;
}

static int write_region(const struct writer_input *in, const struct enclave_region *region, struct measure *m,
                        FILE *file)
{
    u8 buffer[PAGE_SIZE];

    for (u64 at = 0; at < region->size; at += PAGE_SIZE) {
        u64 addr = region->addr + at;
        measure_eadd(m, addr, region->secinfo_flags);
        if (region->flags & ENCLAVE_REGION_ZERO)
            continue;
        const u8 *page = region_page(in->layout, in->image, in->config, addr, buffer);
        int err = write_at(file, region->file_offset + at, page, PAGE_SIZE);
        if (err)
            return err;
        if (region->flags & ENCLAVE_REGION_MEASURED)
            measure_eextend(m, addr, page);
    }
    return 0;
}

static int write_regions(const struct writer_input *in, const struct region_table *table, FILE *file, u8 mrenclave[32])
{
    struct measure m = { 0 };
    int err = write_at(file, REGION_TABLE_OFFSET, table->entries, table->count * sizeof(struct enclave_region));

    measure_ecreate(&m, ENCLAVE_SSA_FRAME_PAGES, in->layout->elrange_size);
    for (u32 i = 0; i < table->count && !err; i++)
        err = write_region(in, &table->entries[i], &m, file);
    int measured = measure_finish(&m, mrenclave);
    return err ? err : measured;
}

static int write_file(const struct writer_input *in, const struct region_table *table, FILE *file,
                      struct sgx_sigstruct *ret_sig)
{
    struct enclave_file_header header = {
        .magic = ENCLAVE_FILE_MAGIC,
        .version = ENCLAVE_FILE_VERSION,
        .region_count = table->count,
        .region_offset = REGION_TABLE_OFFSET,
        .size = table->file_size,
        .ssaframesize = ENCLAVE_SSA_FRAME_PAGES,
        .layout = *in->layout,
    };
    u8 mrenclave[32];
    int err = write_regions(in, table, file, mrenclave);

    if (!err)
        err = sigstruct_make(in->xml, mrenclave, in->key, &header.sigstruct);
    if (!err)
        err = write_at(file, 0, &header, sizeof(header));
    if (!err && (fflush(file) != 0 || ftruncate(fileno(file), (off_t)table->file_size) != 0))
        err = -errno;
    if (!err)
        *ret_sig = header.sigstruct;
    return err;
}

static int write_temporary(const struct writer_input *in, const struct region_table *table, const char *temporary,
                           int fd, struct sgx_sigstruct *ret_sig)
{
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    int err = write_file(in, table, file, ret_sig);
    if (!err && fchmod(fd, 0644) != 0)
        err = -errno;
    if (fclose(file) != 0 && !err)
        err = -errno;
    if (!err && rename(temporary, in->path) != 0)
        err = -errno;
    return err;
}

int enclave_write(const struct writer_input *in, struct sgx_sigstruct *ret_sig)
{
    char temporary[PATH_MAX];
    struct region_table table;

    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", in->path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    int err = regions_make(in->layout, in->image, &table);
    if (err)
        return err;
    int fd = mkstemp(temporary);
    err = fd < 0 ? -errno : write_temporary(in, &table, temporary, fd, ret_sig);
    if (err && fd >= 0)
        unlink(temporary);
    free(table.entries);
    return err;
}
