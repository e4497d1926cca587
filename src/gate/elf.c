// SPDX-License-Identifier: BSD-3-Clause
#include "gate/elf.h"

#include <elf.h> // the types and constants only
#include <asm/errno.h>

#include "base/checked.h"

// One program header of type PT_LOAD. `low` and `high` collect the address range of all.
static int add_load(struct elf_view *elf, const Elf64_Phdr *ph, u64 *low, u64 *high)
{
    u64 end;

    if (ph->p_memsz == 0)
        return 0;
    if (ph->p_filesz > ph->p_memsz || add_overflow_u64(ph->p_vaddr, ph->p_memsz, &end) ||
        !range_within(ph->p_offset, ph->p_filesz, 0, elf->size))
        return -ENOEXEC;
    if (elf->load_count == ELF_LOADS_MAX)
        return -E2BIG;
    elf->loads[elf->load_count++] = (struct elf_load){
        .vaddr = ph->p_vaddr,
        .file_size = ph->p_filesz,
        .offset = ph->p_offset,
        .exec = ph->p_flags & PF_X,
    };
    *low = MIN(*low, ph->p_vaddr);
    *high = MAX(*high, end);
    return 0;
}

static int read_segments(struct elf_view *elf, u64 table, u32 count)
{
    u64 low = UINT64_MAX, high = 0;

    if (!range_within(table, (u64)count * sizeof(Elf64_Phdr), 0, elf->size))
        return -ENOEXEC;
    for (u32 i = 0; i < count; i++) {
        Elf64_Phdr ph;
        __builtin_memcpy(&ph, elf->bytes + table + i * sizeof(ph), sizeof(ph));
        if (ph.p_type == PT_LOAD) {
            int error = add_load(elf, &ph, &low, &high);
            if (error)
                return error;
        } else if (ph.p_type == PT_DYNAMIC) {
            elf->dynamic = ph.p_vaddr;
            elf->dynamic_size = ph.p_memsz;
        } else if (ph.p_type == PT_GNU_EH_FRAME) {
            elf->eh_frame_hdr = ph.p_vaddr;
        }
    }
    if (elf->load_count == 0)
        return -ENOEXEC;
    elf->base = ALIGN_DOWN(low, PAGE_SIZE);
    if (high - elf->base > GATE_SPAN_MAX)
        return -EFBIG;
    elf->span = (u32)(high - elf->base);
    return 0;
}

int elf_open(const void *file, size_t size, struct elf_view *ret)
{
    Elf64_Ehdr eh;
    struct elf_view elf = { .bytes = file, .size = size };

    if (size < sizeof(eh))
        return -ENOEXEC;
    __builtin_memcpy(&eh, file, sizeof(eh));
    if (__builtin_memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
        eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_X86_64 ||
        (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) || eh.e_phentsize != sizeof(Elf64_Phdr))
        return -ENOEXEC;
    elf.fixed = eh.e_type == ET_EXEC;
    elf.entry = eh.e_entry;
    int error = read_segments(&elf, eh.e_phoff, eh.e_phnum);
    if (error)
        return error;
    if (eh.e_shentsize == sizeof(Elf64_Shdr) && eh.e_shoff &&
        range_within(eh.e_shoff, (u64)eh.e_shnum * sizeof(Elf64_Shdr), 0, size)) {
        elf.section_table = eh.e_shoff;
        elf.section_count = eh.e_shnum;
    }
    *ret = elf;
    return 0;
}

bool elf_section_get(const struct elf_view *elf, u32 index, struct elf_section *ret)
{
    Elf64_Shdr sh;

    if (index >= elf->section_count)
        return false;
    __builtin_memcpy(&sh, elf->bytes + elf->section_table + (u64)index * sizeof(sh), sizeof(sh));
    if (sh.sh_type == SHT_NULL || sh.sh_type == SHT_NOBITS || !range_within(sh.sh_offset, sh.sh_size, 0, elf->size))
        return false;
    *ret = (struct elf_section){
        .type = sh.sh_type,
        .link = sh.sh_link,
        .flags = sh.sh_flags,
        .vaddr = sh.sh_addr,
        .offset = sh.sh_offset,
        .size = sh.sh_size,
        .entry_size = sh.sh_entsize,
    };
    return true;
}

const u8 *elf_at_most(const struct elf_view *elf, u64 vaddr, u64 *ret_len)
{
    for (u32 i = 0; i < elf->load_count; i++) {
        const struct elf_load *load = &elf->loads[i];
        if (vaddr >= load->vaddr && vaddr - load->vaddr < load->file_size) {
            u64 skip = vaddr - load->vaddr;
            *ret_len = load->file_size - skip;
            return elf->bytes + load->offset + skip;
        }
    }
    return NULL;
}

const u8 *elf_at(const struct elf_view *elf, u64 vaddr, u64 len)
{
    u64 most;
    const u8 *p = elf_at_most(elf, vaddr, &most);

    return p && len <= most ? p : NULL;
}
