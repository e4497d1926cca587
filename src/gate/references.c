// SPDX-License-Identifier: BSD-3-Clause
// Addresses of code that the file's data and symbols mention. Marking too many costs a little coverage,
// marking too few could let a jump land inside a rewritten window.
#include <elf.h> // the types and constants only

#include "gate/scan.h"

static void mark_symbols(struct scan *scan, const struct elf_section *section)
{
    const u8 *p = scan->elf.bytes + section->offset;

    for (u64 left = section->size; left >= sizeof(Elf64_Sym); left -= sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        __builtin_memcpy(&symbol, p, sizeof(symbol));
        p += sizeof(symbol);
        if (symbol.st_shndx == SHN_UNDEF)
            continue;
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if (type == STT_FUNC || type == STT_GNU_IFUNC)
            scan_mark_sync(scan, symbol.st_value);
        else if (type == STT_NOTYPE)
            scan_mark_target(scan, symbol.st_value);
    }
}

// A file has at most one table of each type; a hostile one may claim thousands.
static void mark_first_symbols(struct scan *scan, u32 type)
{
    struct elf_section section;

    for (u32 i = 0; i < scan->elf.section_count; i++) {
        if (elf_section_get(&scan->elf, i, &section) && section.type == type) {
            mark_symbols(scan, &section);
            return;
        }
    }
}

static void mark_relocations(struct scan *scan, u64 vaddr, u64 size)
{
    const u8 *p = elf_at(&scan->elf, vaddr, size);

    for (u64 left = p ? size : 0; left >= sizeof(Elf64_Rela); left -= sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        __builtin_memcpy(&rela, p, sizeof(rela));
        p += sizeof(rela);
        u64 type = ELF64_R_TYPE(rela.r_info);
        if (type == R_X86_64_RELATIVE || type == R_X86_64_IRELATIVE)
            scan_mark_target(scan, (u64)rela.r_addend);
    }
}

static void mark_dynamic(struct scan *scan)
{
    u64 rela = 0, rela_size = 0, plt = 0, plt_size = 0;
    const u8 *p = elf_at(&scan->elf, scan->elf.dynamic, scan->elf.dynamic_size);

    for (u64 left = p ? scan->elf.dynamic_size : 0; left >= sizeof(Elf64_Dyn);
         left -= sizeof(Elf64_Dyn), p += sizeof(Elf64_Dyn)) {
        u64 tag = elf_u64(p), value = elf_u64(p + 8);
        if (tag == DT_NULL)
            break;
        if (tag == DT_RELA)
            rela = value;
        else if (tag == DT_RELASZ)
            rela_size = value;
        else if (tag == DT_JMPREL)
            plt = value;
        else if (tag == DT_PLTRELSZ)
            plt_size = value;
        else if (tag == DT_INIT || tag == DT_FINI)
            scan_mark_target(scan, value);
    }
    mark_relocations(scan, rela, rela_size);
    mark_relocations(scan, plt, plt_size);
}

// Aligned words that hold an address of code: pointers of non-PIE programs, DT_RELR addends in place.
static void mark_words(struct scan *scan)
{
    const struct elf_view *elf = &scan->elf;
    const struct elf_text *first = &scan->texts[0].code;
    const struct elf_text *last = &scan->texts[scan->text_count - 1].code;
    u64 low = first->vaddr, span = last->vaddr + last->size - low;

    for (u32 i = 0; i < elf->load_count; i++) {
        const struct elf_load *load = &elf->loads[i];
        if (load->exec && !elf->fixed)
            continue;
        const u8 *bytes = elf->bytes + load->offset;
        for (u64 at = -load->vaddr & 7; at + 8 <= load->file_size; at += 8) {
            u64 word = elf_u64(bytes + at);
            if (word - low < span)
                scan_mark_guess(scan, word);
        }
    }
}

void scan_references(struct scan *scan)
{
    scan_mark_sync(scan, scan->elf.entry);
    for (u32 i = 0; i < scan->text_count; i++)
        scan_mark_sync(scan, scan->texts[i].code.vaddr);
    mark_first_symbols(scan, SHT_SYMTAB);
    mark_first_symbols(scan, SHT_DYNSYM);
    mark_dynamic(scan);
    mark_words(scan);
}
