// SPDX-License-Identifier: BSD-3-Clause
#include "sample.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "gate/host_scan.h"

static Elf64_Phdr segment(u32 type, u32 flags, u64 bias, u64 at, u64 size)
{
    return (Elf64_Phdr){
        .p_type = type, .p_flags = flags, .p_offset = at, .p_vaddr = bias + at, .p_filesz = size, .p_memsz = size
    };
}

void sample_init(struct sample *sample, bool fixed)
{
    u64 bias = fixed ? SAMPLE_FIXED : 0;
    Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = fixed ? ET_EXEC : ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = bias + SAMPLE_CODE,
        .e_phoff = sizeof(header),
        .e_ehsize = sizeof(header),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr segments[2] = {
        segment(PT_LOAD, PF_R | PF_X, bias, SAMPLE_CODE, SAMPLE_CODE_SIZE),
        segment(PT_LOAD, PF_R, bias, SAMPLE_DATA, SAMPLE_SIZE - SAMPLE_DATA),
    };

    memset(sample, 0, sizeof(*sample));
    memset(sample->file + SAMPLE_CODE, 0xf4, SAMPLE_CODE_SIZE);
    memcpy(sample->file, &header, sizeof(header));
    memcpy(sample->file + sizeof(header), segments, sizeof(segments));
}

void sample_put(struct sample *sample, u64 at, const void *bytes, size_t size)
{
    memcpy(sample->file + at, bytes, size);
}

void sample_add_frame(struct sample *sample, u64 start, u32 size, bool signal_frame)
{
    u8 cie[] = { 16, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 'S', 0, 1, 0x78, 16, 1, 0x1b, 0, 0 };
    u8 fde[] = { 16, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    u64 frame = SAMPLE_FRAMES + 8, fde_at = frame + sizeof(cie);
    s32 to_frame = 4, to_start = (s32)(start - (fde_at + 8));
    Elf64_Phdr header = segment(PT_GNU_EH_FRAME, PF_R, 0, SAMPLE_FRAMES, 8);
    Elf64_Ehdr *elf = (void *)sample->file;

    if (!signal_frame) { // "zR", the letters and numbers move up
        const u8 plain[] = { 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0, 0, 0 };
        memcpy(cie + 9, plain, sizeof(plain));
    }
    memcpy(fde + 8, &to_start, 4);
    memcpy(fde + 12, &size, 4);
    SAMPLE_PUT(sample, SAMPLE_FRAMES, 1, 0x1b, 0xff, 0xff);
    sample_put(sample, SAMPLE_FRAMES + 4, &to_frame, 4);
    sample_put(sample, frame, cie, sizeof(cie));
    sample_put(sample, fde_at, fde, sizeof(fde));
    sample_put(sample, sizeof(*elf) + 2 * sizeof(header), &header, sizeof(header));
    elf->e_phnum = 3;
}

const struct gate_table *sample_scan(const struct sample *sample)
{
    static void *table;
    size_t size;

    free(table);
    table = NULL;
    if (gate_scan_file(sample->file, sizeof(sample->file), &table, &size))
        return NULL;
    return table;
}

const struct gate_site *sample_site(const struct gate_table *table, u64 at)
{
    for (u32 i = 0; table && i < table->count; i++)
        if (table->base % SAMPLE_FIXED + table->sites[i].offset == at)
            return &table->sites[i];
    return NULL;
}

int sample_kind(const struct gate_table *table, u64 at)
{
    const struct gate_site *site = sample_site(table, at);
    return site ? site->kind : -1;
}
