// SPDX-License-Identifier: BSD-3-Clause
#include "gate/find.h"

#include <asm/errno.h>

#include "gate/scan.h"

// Which words of data may be tried as jump tables, per byte of the file: bounds the work on hostile files.
#define BUDGET_PER_BYTE 4

// All working memory in one piece: hits, then the bitmaps, each with a word to spare.
static size_t work_size(const struct scan *scan, u32 hits)
{
    return (size_t)hits * sizeof(struct scan_hit) + 4 * (BITMAP_WORDS(scan->bits) + 1) * sizeof(u64);
}

static void lay_out_work(struct scan *scan, void *work, u32 hits)
{
    size_t words = BITMAP_WORDS(scan->bits) + 1;

    scan->hits = work;
    scan->starts = (u64 *)(void *)(scan->hits + hits);
    scan->targets = scan->starts + words;
    scan->guesses = scan->targets + words;
    scan->syncs = scan->guesses + words;
    __builtin_memset(work, 0, work_size(scan, hits));
}
static_assert(sizeof(struct scan_hit) % sizeof(u64) == 0, "bitmaps follow the hits");

static void fill_site(const struct scan *scan, const struct scan_hit *hit, struct gate_site *site)
{
    const struct elf_text *code = &scan->texts[hit->text].code;

    *site = (struct gate_site){
        .offset = (u32)(hit->vaddr - scan->elf.base),
        .hole = hit->hole,
        .kind = hit->kind,
        .insn_class = GATE_CLASS_SYSCALL,
        .window_size = hit->window_size,
        .fixup = hit->fixup,
    };
    __builtin_memcpy(site->window, code->bytes + (hit->vaddr - code->vaddr) - hit->window_size, hit->window_size);
}

static int make_table(const struct scan *scan, const struct gate_memory *memory, struct gate_table **ret_table)
{
    u32 count = 0;

    for (u32 i = 0; i < scan->hit_count; i++)
        count += scan->hits[i].accepted;
    struct gate_table *table = memory->alloc(memory->context, gate_table_size(count));
    if (!table)
        return -ENOMEM;
    *table = (struct gate_table){
        .magic = GATE_TABLE_MAGIC,
        .version = GATE_TABLE_VERSION,
        .site_size = sizeof(struct gate_site),
        .base = scan->elf.base,
        .span = scan->elf.span,
    };
    for (u32 i = 0; i < scan->hit_count; i++) {
        if (!scan->hits[i].accepted)
            continue;
        fill_site(scan, &scan->hits[i], &table->sites[table->count++]);
        table->kinds[scan->hits[i].kind]++;
    }
    *ret_table = table;
    return 0;
}

int gate_find(const void *file, size_t size, const struct gate_memory *memory, struct gate_table **ret_table)
{
    struct scan scan = { .budget = (u64)size * BUDGET_PER_BYTE };
    int error = elf_open(file, size, &scan.elf);

    if (error)
        return error;
    scan_find_texts(&scan);
    u32 raw = scan_raw_hits(&scan, 0);
    if (raw == 0)
        return make_table(&scan, memory, ret_table);
    size_t bytes = work_size(&scan, raw);
    void *work = memory->alloc(memory->context, bytes);
    if (!work)
        return -ENOMEM;
    lay_out_work(&scan, work, raw);
    scan.hit_count = scan_raw_hits(&scan, raw);
    scan_unwind_tables(&scan);
    scan_references(&scan);
    scan_sweep(&scan);
    // Out of budget means that targets may be unknown: then every byte may be one, and only holes that
    // were padding would remain. Such a file is left to the trap altogether.
    if (scan.budget == 0)
        scan.hit_count = 0;
    scan_classify(&scan);
    error = make_table(&scan, memory, ret_table);
    memory->free(memory->context, work, bytes);
    return error;
}
