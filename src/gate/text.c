// SPDX-License-Identifier: BSD-3-Clause
// Where the code is, and the raw byte pairs 0F 05 in it.
#include <elf.h> // constants only

#include "base/checked.h"
#include "gate/scan.h"

static void add_text(struct scan *scan, u64 vaddr, u64 size)
{
    const u8 *bytes = elf_at(&scan->elf, vaddr, size);
    const struct scan_text *last = scan->text_count ? &scan->texts[scan->text_count - 1] : NULL;

    // Ascending without overlap, as linkers write them; anything else is left to the trap.
    if (!bytes || size == 0 || scan->text_count == SCAN_TEXTS_MAX ||
        (last && vaddr < last->code.vaddr + last->code.size))
        return;
    scan->texts[scan->text_count++] = (struct scan_text){
        .code = { .vaddr = vaddr, .size = size, .bytes = bytes },
        .first_bit = scan->bits,
    };
    scan->bits += size;
}

static bool in_exec_load(const struct elf_view *elf, u64 vaddr, u64 size)
{
    for (u32 i = 0; i < elf->load_count; i++) {
        const struct elf_load *load = &elf->loads[i];
        if (load->exec && range_within(vaddr, size, load->vaddr, load->vaddr + load->file_size))
            return true;
    }
    return false;
}

void scan_find_texts(struct scan *scan)
{
    const struct elf_view *elf = &scan->elf;
    struct elf_section section;

    scan->text_count = 0;
    scan->bits = 0;
    for (u32 i = 0; i < elf->section_count; i++)
        if (elf_section_get(elf, i, &section) && section.flags & SHF_EXECINSTR &&
            in_exec_load(elf, section.vaddr, section.size))
            add_text(scan, section.vaddr, section.size);
    if (scan->text_count)
        return;
    for (u32 i = 0; i < elf->load_count; i++)
        if (elf->loads[i].exec)
            add_text(scan, elf->loads[i].vaddr, elf->loads[i].file_size);
}

static void add_hit(struct scan *scan, u32 text, size_t at, u32 max, u32 *count)
{
    if (*count < max)
        scan->hits[*count] = (struct scan_hit){
            .vaddr = scan->texts[text].code.vaddr + at,
            .text = text,
            .kind = GATE_TRAP,
            .fixup = GATE_NO_FIXUP,
        };
    ++*count;
}

// Bit 7 of each byte of the result is set at least where the byte of `word` is zero; no bit if none is.
static u64 zero_bytes(u64 word) { return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull; }

static void text_hits(struct scan *scan, u32 text, u32 max, u32 *count)
{
    const u8 *bytes = scan->texts[text].code.bytes;
    size_t size = scan->texts[text].code.size, at = 1;

    // 05 is rarer in code than 0F: eight bytes at a time, look closer only where there is one.
    for (; at + 8 <= size; at += 8) {
        if (!zero_bytes(elf_u64(bytes + at) ^ 0x0505050505050505ull))
            continue;
        for (size_t i = at; i < at + 8; i++)
            if (bytes[i] == 0x05 && bytes[i - 1] == 0x0f)
                add_hit(scan, text, i - 1, max, count);
    }
    for (; at < size; at++)
        if (bytes[at] == 0x05 && bytes[at - 1] == 0x0f)
            add_hit(scan, text, at - 1, max, count);
}

u32 scan_raw_hits(struct scan *scan, u32 max)
{
    u32 count = 0;

    for (u32 i = 0; i < scan->text_count; i++)
        text_hits(scan, i, max, &count);
    return count;
}

bool scan_bit(const struct scan *scan, u64 vaddr, size_t *ret_bit)
{
    for (u32 i = 0; i < scan->text_count; i++) {
        u64 at = vaddr - scan->texts[i].code.vaddr;
        if (at < scan->texts[i].code.size) {
            *ret_bit = scan->texts[i].first_bit + at;
            return true;
        }
    }
    return false;
}

void scan_mark_target(struct scan *scan, u64 vaddr)
{
    size_t bit;

    if (scan_bit(scan, vaddr, &bit))
        bitmap_set(scan->targets, bit);
}

void scan_mark_guess(struct scan *scan, u64 vaddr)
{
    size_t bit;

    if (scan_bit(scan, vaddr, &bit))
        bitmap_set(scan->guesses, bit);
}

void scan_mark_sync(struct scan *scan, u64 vaddr)
{
    size_t bit;

    if (!scan_bit(scan, vaddr, &bit))
        return;
    bitmap_set(scan->syncs, bit);
    bitmap_set(scan->targets, bit);
}
