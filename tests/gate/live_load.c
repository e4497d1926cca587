// SPDX-License-Identifier: BSD-3-Clause
// A loader of static programs that applies the gate as the LibOS does: page by page, then the stubs.
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/host_scan.h"
#include "gate/patch.h"
#include "live.h"

#define PIE_BASE 0x10000000ul
#define STACK_SIZE MIB(8)
#define RANGES_MAX 16

extern char **environ;

struct image {
    const u8 *file;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Phdr *segments;
    struct gate_mapping map;
};

static void *map_at(u64 address, size_t size)
{
    void *p =
        mmap((void *)address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED)
        err(99, "mmap %#lx", (unsigned long)address);
    return p;
}

static void open_image(const char *path, struct image *image)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st))
        err(99, "%s", path);
    image->size = (size_t)st.st_size;
    image->file = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    image->header = (const void *)image->file;
    image->segments = (const void *)(image->file + image->header->e_phoff);
}

static void make_table(struct image *image, struct live_shared *shared)
{
    struct gate_range ranges[RANGES_MAX];
    size_t size, count = 0;
    void *table;

    if (gate_scan_file(image->file, image->size, &table, &size) || !table)
        errx(99, "no table");
    image->map.table = table;
    for (u16 i = 0; i < image->header->e_phnum && count < RANGES_MAX; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X)
            ranges[count++] = (struct gate_range){ ph->p_vaddr, ph->p_vaddr + ph->p_filesz };
    }
    if (gate_table_check(table, size, ranges, count))
        errx(99, "table refused");
    memcpy(shared->kinds, image->map.table->kinds, sizeof(shared->kinds));
}

static void load_segment(struct image *image, const Elf64_Phdr *ph, struct live_shared *shared)
{
    u64 start = image->map.bias + ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE);
    u64 end = image->map.bias + ALIGN_UP(ph->p_vaddr + ph->p_memsz, PAGE_SIZE);
    int prot = (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
               (ph->p_flags & PF_X ? PROT_EXEC : 0);
    u8 *memory = map_at(start, end - start);

    memcpy((u8 *)(image->map.bias + ph->p_vaddr), image->file + ph->p_offset, ph->p_filesz);
    if (ph->p_flags & PF_X)
        for (u64 page = start; page < end; page += PAGE_SIZE)
            shared->patched += gate_apply(&image->map, page, memory + (page - start));
    if (mprotect(memory, end - start, prot))
        err(99, "mprotect");
}

static void load_stubs(struct image *image)
{
    size_t size = ALIGN_UP(gate_stub_area_size(image->map.table), PAGE_SIZE);
    u8 *area = map_at(image->map.stub_base, size);

    if (gate_write_stubs(&image->map, 0, area))
        errx(99, "stubs out of reach");
    if (mprotect(area, size, PROT_READ | PROT_EXEC))
        err(99, "mprotect");
}

static u64 program_headers_address(const struct image *image)
{
    for (u16 i = 0; i < image->header->e_phnum; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        if (ph->p_type == PT_LOAD && image->header->e_phoff - ph->p_offset < ph->p_filesz)
            return image->map.bias + ph->p_vaddr + (image->header->e_phoff - ph->p_offset);
    }
    return 0;
}

static u64 make_stack(const struct image *image, char **argv)
{
    const u64 auxv[] = {
        AT_PHDR,        program_headers_address(image),
        AT_PHENT,       sizeof(Elf64_Phdr),
        AT_PHNUM,       image->header->e_phnum,
        AT_ENTRY,       image->map.bias + image->header->e_entry,
        AT_PAGESZ,      PAGE_SIZE,
        AT_RANDOM,      getauxval(AT_RANDOM),
        AT_HWCAP,       getauxval(AT_HWCAP),
        AT_CLKTCK,      100,
        AT_UID,         0,
        AT_EUID,        0,
        AT_GID,         0,
        AT_EGID,        0,
        AT_SECURE,      0,
        AT_MINSIGSTKSZ, getauxval(AT_MINSIGSTKSZ),
        AT_NULL,        0,
    };
    u8 *memory = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t args = 0, vars = 0;

    if (memory == MAP_FAILED)
        err(99, "stack");
    while (argv[args])
        args++;
    while (environ[vars])
        vars++;
    size_t words = 1 + args + 1 + vars + 1 + ARRAY_SIZE(auxv);
    u64 *top = (u64 *)(void *)(memory + STACK_SIZE - ALIGN_UP(words * sizeof(u64), 16ul) - 256);
    u64 *p = top;
    *p++ = args;
    memcpy(p, argv, (args + 1) * sizeof(char *));
    p += args + 1;
    memcpy(p, environ, (vars + 1) * sizeof(char *));
    p += vars + 1;
    memcpy(p, auxv, sizeof(auxv));
    return (u64)top;
}

void live_load(char **argv, struct live_shared *shared, struct live_program *ret)
{
    struct image image = { 0 };

    open_image(argv[0], &image);
    make_table(&image, shared);
    image.map.bias = image.header->e_type == ET_DYN ? PIE_BASE : 0;
    image.map.first = image.map.bias + image.map.table->base;
    image.map.last = image.map.first + image.map.table->span;
    image.map.stub_base = ALIGN_UP(image.map.last + MIB(1), PAGE_SIZE);
    for (u16 i = 0; i < image.header->e_phnum; i++)
        if (image.segments[i].p_type == PT_LOAD)
            load_segment(&image, &image.segments[i], shared);
    load_stubs(&image);
    ret->entry = image.map.bias + image.header->e_entry;
    ret->stack = make_stack(&image, argv);
}
