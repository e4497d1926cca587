// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: what copy_bom reads to find libraries. The input is an ELF file, and also an ld.so.cache.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bom/elf_needs.h"
#include "bom/ldcache.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void read_elf(const u8 *data, size_t size)
{
    static int fd = -1;
    struct arena arena = { 0 };
    struct elf_needs needs;
    const char *why = NULL;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    enum elf_kind kind = elf_needs_read(&arena, fd, &needs, &why);
    if (kind == ELF_BROKEN && !why)
        abort();
    for (size_t i = 0; kind == ELF_X86_64 && i < needs.needed.count; i++)
        if (!*needs.needed.items[i])
            abort();
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct ldcache cache;
    const char *path;
    read_elf(data, size);
    if (ldcache_open(data, size, &cache) != 0)
        return 0;
    for (size_t n = 0; n < 64 && (path = ldcache_find(&cache, "libc.so.6", n)) != NULL; n++)
        if (path[0] != '/' || strlen(path) > size)
            abort();
    return 0;
}
