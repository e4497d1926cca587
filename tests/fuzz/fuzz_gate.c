// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: hostile ELF files through finder, table check and patcher; and the same bytes as a hostile
// table. Property: a table the finder makes is one the check accepts, and rewriting changes only what the
// table names.
#include <stdlib.h>
#include <string.h>

#include "gate/elf.h"
#include "gate/find.h"
#include "gate/patch.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define BIAS 0x7000000000ul

static void *get(void *context, size_t size)
{
    void *memory = size > MIB(256) ? NULL : malloc(size);
    if (memory)
        memset(memory, 0xa5, size);
    return memory;
}

static void put(void *context, void *memory, size_t size) { free(memory); }

static u32 exec_ranges(const struct elf_view *elf, struct gate_range *ranges)
{
    u32 count = 0;

    for (u32 i = 0; i < elf->load_count; i++)
        if (elf->loads[i].exec)
            ranges[count++] = (struct gate_range){ elf->loads[i].vaddr, elf->loads[i].vaddr + elf->loads[i].file_size };
    return count;
}

static bool belongs_to_site(const struct gate_table *table, u64 offset)
{
    for (u32 i = 0; i < table->count; i++) {
        const struct gate_site *site = &table->sites[i];
        if (site->kind == GATE_PRE && offset - (site->offset - site->window_size) < GATE_JMP_SIZE)
            return true;
        if (site->kind == GATE_HOLE && (offset - site->offset < 2 || offset - site->hole < GATE_JMP_SIZE))
            return true;
    }
    return false;
}

// `elf` NULL: a page of hlt instead of the file's bytes.
static void rewrite(const struct gate_table *table, const struct elf_view *elf)
{
    struct gate_mapping map = { .table = table,
                                .bias = BIAS - table->base,
                                .stub_base = BIAS + GATE_SPAN_MAX,
                                .first = BIAS,
                                .last = BIAS + table->span };
    size_t stub_size = gate_stub_area_size(table);
    u8 *stubs = malloc(stub_size + 1), before[PAGE_SIZE], after[PAGE_SIZE];
    u64 original;

    if (!gate_write_stubs(&map, 8, stubs))
        for (size_t at = 0; at < MIN(stub_size, 4096ul); at++)
            if (!gate_stub_to_original(&map, map.stub_base + at, &original) && original - BIAS >= table->span)
                abort();
    free(stubs);
    for (u64 page = 0; page < MIN(table->span, 64 * PAGE_SIZE); page += PAGE_SIZE) {
        memset(before, 0xf4, sizeof(before));
        for (u64 i = 0; elf && i < PAGE_SIZE; i++) {
            const u8 *byte = elf_at(elf, table->base + page + i, 1);
            before[i] = byte ? *byte : 0;
        }
        memcpy(after, before, sizeof(after));
        gate_apply(&map, BIAS + page, after);
        for (u64 i = 0; i < PAGE_SIZE; i++)
            if (before[i] != after[i] && !belongs_to_site(table, page + i))
                abort();
    }
}

static void as_file(const u8 *data, size_t size)
{
    const struct gate_memory memory = { .alloc = get, .free = put };
    struct gate_range ranges[ELF_LOADS_MAX];
    struct gate_table *table;
    struct elf_view elf;

    if (gate_find(data, size, &memory, &table))
        return;
    if (elf_open(data, size, &elf) ||
        gate_table_check(table, gate_table_size(table->count), ranges, exec_ranges(&elf, ranges)))
        abort();
    rewrite(table, &elf);
    free(table);
}

static void as_table(const u8 *data, size_t size)
{
    const struct gate_range all = { 0, UINT64_MAX };
    void *copy = malloc(size + 1);

    memcpy(copy, data, size);
    if (!gate_table_check(copy, size, &all, 1))
        rewrite(copy, NULL);
    free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    as_file(data, size);
    as_table(data, size);
    return 0;
}
