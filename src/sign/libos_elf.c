// SPDX-License-Identifier: BSD-3-Clause
#include "sign/libos_elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

#define IMAGE_MAX MIB(256)
#define LAYOUT_SECTION ".occlum.layout"

struct reader {
    const u8 *elf;
    size_t len;
    Elf64_Ehdr header;
    struct libos_image image;
    const char *why;
};

static int refuse(struct reader *r, const char *why)
{
    r->why = why;
    return -ENOEXEC;
}

// Copies entry `index` of a table in the file; the table was checked by table_ok.
static void table_get(const struct reader *r, u64 offset, size_t size, u64 index, void *ret)
{
    memcpy(ret, r->elf + offset + index * size, size);
}

static bool table_ok(const struct reader *r, u64 offset, u64 size, u64 count)
{
    u64 bytes;
    return !mul_overflow_u64(size, count, &bytes) && range_within(offset, bytes, 0, r->len);
}

static Elf64_Phdr segment(const struct reader *r, unsigned int i)
{
    Elf64_Phdr ph;
    table_get(r, r->header.e_phoff, sizeof(ph), i, &ph);
    return ph;
}

static int check_header(struct reader *r)
{
    Elf64_Ehdr *h = &r->header;

    if (r->len < sizeof(*h))
        return refuse(r, "not an ELF file");
    memcpy(h, r->elf, sizeof(*h));
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
        return refuse(r, "not an ELF file for x86-64");
    if (h->e_type != ET_DYN)
        return refuse(r, "not a static-PIE");
    if (h->e_phentsize != sizeof(Elf64_Phdr) || !table_ok(r, h->e_phoff, sizeof(Elf64_Phdr), h->e_phnum))
        return refuse(r, "its program headers lie outside the file");
    if (h->e_shentsize != sizeof(Elf64_Shdr) || !table_ok(r, h->e_shoff, sizeof(Elf64_Shdr), h->e_shnum))
        return refuse(r, "its section headers lie outside the file");
    return 0;
}

static int check_segment(struct reader *r, const Elf64_Phdr *ph, u64 *end)
{
    if (ph->p_filesz > ph->p_memsz || !range_within(ph->p_offset, ph->p_filesz, 0, r->len))
        return refuse(r, "a segment lies outside the file");
    if (!range_within(ph->p_vaddr, ph->p_memsz, 0, IMAGE_MAX))
        return refuse(r, "a segment lies beyond 256 MB");
    if (ph->p_align > MIB(2))
        return refuse(r, "a segment is aligned to more than 2 MB");
    if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
        return refuse(r, "a segment is writable and executable");
    if (ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE) < *end)
        return refuse(r, "segments share a page or are out of order");
    *end = ALIGN_UP(ph->p_vaddr + ph->p_memsz, PAGE_SIZE);
    return 0;
}

static int measure_segments(struct reader *r)
{
    u64 end = 0;

    for (unsigned int i = 0; i < r->header.e_phnum; i++) {
        Elf64_Phdr ph = segment(r, i);
        if (ph.p_type == PT_INTERP)
            return refuse(r, "it asks for an interpreter");
        if (ph.p_type == PT_TLS)
            return refuse(r, "it has thread-local variables");
        int err = ph.p_type == PT_LOAD && ph.p_memsz ? check_segment(r, &ph, &end) : 0;
        if (err)
            return err;
    }
    if (!end)
        return refuse(r, "it has no segment");
    r->image.size = end;
    return 0;
}

static int load_segments(struct reader *r)
{
    struct libos_image *image = &r->image;

    image->pages = calloc(1, image->size);
    image->access = calloc(1, image->size / PAGE_SIZE);
    if (!image->pages || !image->access)
        return -ENOMEM;
    for (unsigned int i = 0; i < r->header.e_phnum; i++) {
        Elf64_Phdr ph = segment(r, i);
        if (ph.p_type != PT_LOAD || !ph.p_memsz)
            continue;
        memcpy(image->pages + ph.p_vaddr, r->elf + ph.p_offset, ph.p_filesz);
        u64 access = SGX_SECINFO_R | (ph.p_flags & PF_W ? SGX_SECINFO_W : 0) | (ph.p_flags & PF_X ? SGX_SECINFO_X : 0);
        u64 first = ph.p_vaddr / PAGE_SIZE, last = (ph.p_vaddr + ph.p_memsz - 1) / PAGE_SIZE;
        memset(image->access + first, (int)access, last - first + 1);
    }
    return 0;
}

static bool page_has(const struct libos_image *image, u64 addr, u64 access)
{
    return addr < image->size && (image->access[addr / PAGE_SIZE] & access) == access;
}

// Relocations may only change data that is (or, with RELRO, was) writable.
static int check_relocations(struct reader *r)
{
    struct libos_image *image = &r->image;

    if (!range_within(image->relocations, 0, 0, image->size) ||
        image->relocation_count > (image->size - image->relocations) / sizeof(Elf64_Rela))
        return refuse(r, "its relocations lie outside its memory");
    u64 end = image->relocations + image->relocation_count * sizeof(Elf64_Rela);
    for (u64 at = image->relocations; at < end; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
        if (page_has(image, at, SGX_SECINFO_W))
            return refuse(r, "its relocations lie in writable memory");
    for (u64 i = 0; i < image->relocation_count; i++) {
        Elf64_Rela rela;
        memcpy(&rela, image->pages + image->relocations + i * sizeof(rela), sizeof(rela));
        if (ELF64_R_TYPE(rela.r_info) != R_X86_64_RELATIVE || ELF64_R_SYM(rela.r_info))
            return refuse(r, "it has a relocation other than R_X86_64_RELATIVE");
        if (!range_within(rela.r_offset, 8, 0, image->size) || !page_has(image, rela.r_offset, SGX_SECINFO_W) ||
            !page_has(image, rela.r_offset + 7, SGX_SECINFO_W))
            return refuse(r, "a relocation changes memory that is not writable");
        if ((u64)rela.r_addend > image->size)
            return refuse(r, "a relocation points outside the image");
    }
    return 0;
}

static int read_dynamic_entry(struct reader *r, const Elf64_Dyn *dyn, u64 *rela_size)
{
    switch (dyn->d_tag) {
    case DT_RELA:
        r->image.relocations = dyn->d_un.d_val;
        return 0;
    case DT_RELASZ:
        *rela_size = dyn->d_un.d_val;
        return 0;
    case DT_RELAENT:
        return dyn->d_un.d_val == sizeof(Elf64_Rela) ? 0 : refuse(r, "its relocations have a wrong size");
    case DT_NEEDED:
        return refuse(r, "it needs a shared library");
    case DT_REL:
    case DT_RELR:
    case DT_JMPREL:
        return refuse(r, "it has relocations of a kind that is not used here");
    case DT_TEXTREL:
        return refuse(r, "it has relocations in its text");
    case DT_INIT:
    case DT_INIT_ARRAY:
    case DT_PREINIT_ARRAY:
        return refuse(r, "it has constructors, which nothing would run");
    default:
        return 0;
    }
}

static int read_dynamic(struct reader *r, const Elf64_Phdr *ph)
{
    u64 rela_size = 0;

    if (!range_within(ph->p_offset, ph->p_filesz, 0, r->len))
        return refuse(r, "its dynamic section lies outside the file");
    for (u64 i = 0; i < ph->p_filesz / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn dyn;
        table_get(r, ph->p_offset, sizeof(dyn), i, &dyn);
        if (dyn.d_tag == DT_NULL)
            break;
        int err = read_dynamic_entry(r, &dyn, &rela_size);
        if (err)
            return err;
    }
    if (rela_size % sizeof(Elf64_Rela))
        return refuse(r, "its relocations have a wrong size");
    r->image.relocation_count = rela_size / sizeof(Elf64_Rela);
    return check_relocations(r);
}

static int seal_relro(struct reader *r, const Elf64_Phdr *ph)
{
    if (!range_within(ph->p_vaddr, ph->p_memsz, 0, r->image.size))
        return refuse(r, "its RELRO range lies outside its memory");
    u64 end = ALIGN_DOWN(ph->p_vaddr + ph->p_memsz, PAGE_SIZE);
    for (u64 at = ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE); at < end; at += PAGE_SIZE)
        r->image.access[at / PAGE_SIZE] &= (u8)~SGX_SECINFO_W;
    return 0;
}

static int for_segments(struct reader *r, u32 type, int (*visit)(struct reader *, const Elf64_Phdr *))
{
    for (unsigned int i = 0; i < r->header.e_phnum; i++) {
        Elf64_Phdr ph = segment(r, i);
        int err = ph.p_type == type ? visit(r, &ph) : 0;
        if (err)
            return err;
    }
    return 0;
}

static int check_symbols(struct reader *r, const Elf64_Shdr *sh)
{
    u64 count = sh->sh_size / sizeof(Elf64_Sym);

    if (sh->sh_entsize != sizeof(Elf64_Sym) || !table_ok(r, sh->sh_offset, sizeof(Elf64_Sym), count))
        return refuse(r, "a symbol table lies outside the file");
    for (u64 i = 1; i < count; i++) {
        Elf64_Sym symbol;
        table_get(r, sh->sh_offset, sizeof(symbol), i, &symbol);
        if (symbol.st_shndx == SHN_UNDEF && symbol.st_name)
            return refuse(r, "it has an undefined symbol (nm -u names it)");
    }
    return 0;
}

static int check_layout_section(struct reader *r, const Elf64_Shdr *sh)
{
    struct libos_image *image = &r->image;
    struct enclave_layout placeholder;

    if (image->layout)
        return refuse(r, "it has two sections " LAYOUT_SECTION);
    if (!(sh->sh_flags & SHF_ALLOC) || sh->sh_type != SHT_PROGBITS || !sh->sh_addr ||
        sh->sh_size < sizeof(placeholder) || !range_within(sh->sh_addr, sizeof(placeholder), 0, image->size))
        return refuse(r, "its section " LAYOUT_SECTION " is too small or has no memory");
    for (u64 at = sh->sh_addr; at < sh->sh_addr + sizeof(placeholder); at++)
        if (image->access[at / PAGE_SIZE] != SGX_SECINFO_R)
            return refuse(r, "its section " LAYOUT_SECTION " is not read-only data");
    memcpy(&placeholder, image->pages + sh->sh_addr, sizeof(placeholder));
    if (placeholder.magic != ENCLAVE_LAYOUT_MAGIC)
        return refuse(r, "its section " LAYOUT_SECTION " has a wrong magic number");
    image->layout = sh->sh_addr;
    return 0;
}

static bool section_name_is(const struct reader *r, const Elf64_Shdr *names, u32 offset, const char *name)
{
    size_t len = strlen(name) + 1;
    return names->sh_type == SHT_STRTAB && range_within(names->sh_offset, names->sh_size, 0, r->len) &&
           range_within(offset, len, 0, names->sh_size) && memcmp(r->elf + names->sh_offset + offset, name, len) == 0;
}

static int read_sections(struct reader *r)
{
    const Elf64_Ehdr *h = &r->header;
    Elf64_Shdr names, sh;
    int err = 0;

    if (h->e_shstrndx >= h->e_shnum)
        return refuse(r, "its sections have no names");
    table_get(r, h->e_shoff, sizeof(names), h->e_shstrndx, &names);
    for (unsigned int i = 0; i < h->e_shnum && !err; i++) {
        table_get(r, h->e_shoff, sizeof(sh), i, &sh);
        if (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM)
            err = check_symbols(r, &sh);
        else if (section_name_is(r, &names, sh.sh_name, LAYOUT_SECTION))
            err = check_layout_section(r, &sh);
    }
    if (!err && !r->image.layout)
        return refuse(r, "it has no section " LAYOUT_SECTION);
    return err;
}

static int read_all(struct reader *r)
{
    int err = check_header(r);
    if (!err)
        err = measure_segments(r);
    if (!err)
        err = load_segments(r);
    if (!err)
        err = for_segments(r, PT_DYNAMIC, read_dynamic);
    if (!err)
        err = for_segments(r, PT_GNU_RELRO, seal_relro);
    if (!err)
        err = read_sections(r);
    if (!err && !page_has(&r->image, r->header.e_entry, SGX_SECINFO_X))
        err = refuse(r, "its entry point is not executable");
    r->image.entry = r->header.e_entry;
    return err;
}

int libos_image_read(const u8 *elf, size_t len, struct libos_image *ret_image, const char **ret_why)
{
    struct reader r = { .elf = elf, .len = len, .why = "out of memory" };
    int err = read_all(&r);

    if (err) {
        *ret_why = r.why;
        libos_image_free(&r.image);
        return err;
    }
    *ret_image = r.image;
    return 0;
}

void libos_image_place(struct libos_image *image, const struct enclave_layout *layout)
{
    for (u64 i = 0; i < image->relocation_count; i++) {
        Elf64_Rela rela;
        memcpy(&rela, image->pages + image->relocations + i * sizeof(rela), sizeof(rela));
        u64 value = layout->image_start + (u64)rela.r_addend;
        memcpy(image->pages + rela.r_offset, &value, sizeof(value));
    }
    memcpy(image->pages + image->layout, layout, sizeof(*layout));
}

void libos_image_free(struct libos_image *image)
{
    free(image->pages);
    free(image->access);
    *image = (struct libos_image){ 0 };
}
