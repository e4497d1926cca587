// SPDX-License-Identifier: BSD-3-Clause
// Linear decoding of all code. Where a known start of a function lies inside an instruction, that
// instruction was data: decoding goes on from the known start.
#include "gate/scan.h"

// First known start in (from, from+size), as a distance from `from`; 0 if there is none.
static unsigned next_sync(const struct scan *scan, size_t from, unsigned size)
{
    size_t bit = from + 1;
    unsigned shift = bit % 64;

    if (size < 2)
        return 0;
    u64 word = scan->syncs[bit / 64] >> shift;
    if (shift > 48) // up to 14 bits are wanted; the bitmaps have a spare word at the end
        word |= scan->syncs[bit / 64 + 1] << (64 - shift);
    word &= (1ull << (size - 1)) - 1;
    return word ? (unsigned)__builtin_ctzll(word) + 1 : 0;
}

// A jump table of position-independent code: 32-bit distances from the table to its cases. It ends
// where a distance does not lead to code; often it runs on into the next table, whose distances are
// from elsewhere: hence only guesses.
static void mark_jump_table(struct scan *scan, u64 table)
{
    u64 left;
    const u8 *p = table % 4 ? NULL : elf_at_most(&scan->elf, table, &left);

    for (; p && left >= 4 && scan->budget; p += 4, left -= 4, scan->budget--) {
        size_t bit;
        if (!scan_bit(scan, table + (u64)(s64)elf_s32(p), &bit))
            return;
        bitmap_set(scan->guesses, bit);
    }
}

static void mark_operands(struct scan *scan, const struct gate_insn *insn, u64 next)
{
    if (insn->flags & INSN_RIP_RELATIVE) {
        u64 address = next + (u64)(s64)insn->disp;
        scan_mark_target(scan, address);
        if (insn->flags & INSN_LEA)
            mark_jump_table(scan, address);
    }
    if (insn->flags & INSN_IMM32 && scan->elf.fixed)
        scan_mark_guess(scan, (u32)insn->value);
}

static void sweep_text(struct scan *scan, const struct scan_text *text)
{
    const struct elf_text *code = &text->code;
    struct gate_insn insn;

    for (size_t at = 0; at < code->size; at += insn.size) {
        gate_decode(code->bytes + at, code->size - at, &insn);
        size_t bit = text->first_bit + at;
        unsigned sync = next_sync(scan, bit, insn.size);
        if (sync) {
            insn.size = (u8)sync;
            continue;
        }
        if (insn.kind == INSN_BAD)
            continue;
        bitmap_set(scan->starts, bit);
        if (insn.flags & INSN_ENDBR)
            bitmap_set(scan->targets, bit);
        if (insn.kind == INSN_JCC || insn.kind == INSN_JMP || insn.kind == INSN_CALL) {
            u64 target = at + insn.size + (u64)(s64)insn.value;
            if (likely(target < code->size))
                bitmap_set(scan->targets, text->first_bit + target);
            else
                scan_mark_target(scan, code->vaddr + target);
        } else if (insn.flags & (INSN_RIP_RELATIVE | INSN_IMM32)) {
            mark_operands(scan, &insn, code->vaddr + at + insn.size);
        }
    }
}

void scan_sweep(struct scan *scan)
{
    for (u32 i = 0; i < scan->text_count; i++)
        sweep_text(scan, &scan->texts[i]);
}
