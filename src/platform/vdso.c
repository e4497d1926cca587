// SPDX-License-Identifier: BSD-3-Clause
// Finds functions in the object the kernel maps into every process (vdso(7)).
#include "platform/vdso.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/types.h"

struct vdso {
    const u8 *base;
    u64 bias; // address - ELF address
    const Elf64_Sym *symbols;
    const char *names;
    const u32 *hash; // DT_HASH: bucket count, chain count (which is the number of symbols)
};

static void read_dynamic(struct vdso *vdso, const Elf64_Dyn *dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        const u8 *at = vdso->base + (vdso->bias + dynamic->d_un.d_ptr - (u64)(uintptr_t)vdso->base);
        if (dynamic->d_tag == DT_SYMTAB)
            vdso->symbols = (const Elf64_Sym *)at;
        else if (dynamic->d_tag == DT_STRTAB)
            vdso->names = (const char *)at;
        else if (dynamic->d_tag == DT_HASH)
            vdso->hash = (const u32 *)at;
    }
}

static bool read_headers(struct vdso *vdso)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)vdso->base;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(vdso->base + eh->e_phoff);
    const Elf64_Phdr *dynamic = NULL;
    bool loaded = false;

    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD && !loaded) {
            vdso->bias = (u64)(uintptr_t)vdso->base + ph[i].p_offset - ph[i].p_vaddr;
            loaded = true;
        } else if (ph[i].p_type == PT_DYNAMIC) {
            dynamic = &ph[i];
        }
    }
    if (!loaded || !dynamic)
        return false;
    read_dynamic(vdso, (const Elf64_Dyn *)(vdso->base + dynamic->p_offset));
    return vdso->symbols && vdso->names && vdso->hash;
}

void *vdso_symbol(const char *name)
{
    struct vdso vdso = { .base = (const u8 *)getauxval(AT_SYSINFO_EHDR) };

    if (!vdso.base || !read_headers(&vdso))
        return NULL;
    for (u32 i = 0; i < vdso.hash[1]; i++) {
        const Elf64_Sym *symbol = &vdso.symbols[i];
        if (symbol->st_shndx != SHN_UNDEF && strcmp(vdso.names + symbol->st_name, name) == 0)
            return (void *)(vdso.bias + symbol->st_value);
    }
    return NULL;
}
