// SPDX-License-Identifier: BSD-3-Clause
// .eh_frame (LSB core specification, "Exception Frames"): each FDE names a range of real code.
#include <elf.h> // constants only

#include "gate/scan.h"

// Pointer encodings, DW_EH_PE_*.
#define ENCODING_ABSOLUTE 0x00
#define ENCODING_UDATA4 0x03
#define ENCODING_UDATA8 0x04
#define ENCODING_SDATA4 0x0b
#define ENCODING_SDATA8 0x0c
#define ENCODING_PCREL 0x10

// What an FDE needs to know of its CIE.
struct cie {
    size_t at;
    bool valid;
    bool signal_frame;
    u8 encoding;
};

struct frames {
    const u8 *bytes;
    size_t size;
    u64 vaddr;
};

static bool skip_leb128(const struct frames *frames, size_t end, size_t *at)
{
    while (*at < end)
        if (!(frames->bytes[(*at)++] & 0x80))
            return true;
    return false;
}

// Steps over a value of the given encoding without reading it.
static bool skip_pointer(u8 encoding, size_t *at)
{
    switch (encoding & 0x0f) {
    case ENCODING_UDATA4:
    case ENCODING_SDATA4:
        *at += 4;
        return true;
    case ENCODING_ABSOLUTE:
    case ENCODING_UDATA8:
    case ENCODING_SDATA8:
        *at += 8;
        return true;
    default:
        return false;
    }
}

// The augmentation data of a CIE, one item per letter of `letters`.
static void read_augmentation(const struct frames *frames, const u8 *letters, size_t at, size_t end, struct cie *cie)
{
    for (; *letters; letters++) {
        if (*letters == 'S' || *letters == 'B') {
            cie->signal_frame |= *letters == 'S';
            continue;
        }
        if (at >= end)
            return;
        u8 byte = frames->bytes[at++];
        if (*letters == 'R')
            cie->encoding = byte;
        else if (*letters == 'P' ? !skip_pointer(byte, &at) : *letters != 'L')
            return;
    }
    cie->valid = true;
}

// `at`: the first byte after the CIE's id; `end`: its end.
static void read_cie(const struct frames *frames, size_t at, size_t end, struct cie *cie)
{
    const u8 *letters = frames->bytes + at + 1;
    size_t length = 0;

    cie->valid = false;
    cie->signal_frame = false;
    cie->encoding = ENCODING_ABSOLUTE;
    while (length < 8 && at + 1 + length < end && letters[length])
        length++;
    if (at + 1 + length >= end || letters[length])
        return;
    at += 1 + length + 1;
    if (!skip_leb128(frames, end, &at) || !skip_leb128(frames, end, &at) ||
        !skip_leb128(frames, end, &at)) // code factor, data factor, return address column
        return;
    if (length == 0)
        cie->valid = true;
    else if (letters[0] == 'z' && skip_leb128(frames, end, &at))
        read_augmentation(frames, letters + 1, at, end, cie);
}

static void mark_function(struct scan *scan, u64 start, u64 size, bool signal_frame)
{
    u32 low = 0, high = scan->hit_count;

    // The FDE of a signal trampoline begins a byte before it, for unwinders that look up pc - 1.
    scan_mark_sync(scan, start + signal_frame);
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (scan->hits[middle].vaddr < start)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < scan->hit_count && scan->hits[low].vaddr - start < size; low++) {
        if (scan->hits[low].in_fde) // FDEs do not overlap, unless to make this loop long
            break;
        scan->hits[low].in_fde = true;
        scan->hits[low].in_signal_frame = signal_frame;
    }
}

static void read_fde(struct scan *scan, const struct frames *frames, size_t at, size_t end, const struct cie *cie)
{
    bool wide = (cie->encoding & 7) != (ENCODING_UDATA4 & 7);
    size_t width = wide ? 8 : 4, skip = at;
    u64 start, size;

    if ((cie->encoding & 0x60) || (cie->encoding & 0x80) || !skip_pointer(cie->encoding, &skip) || 2 * width > end - at)
        return;
    const u8 *p = frames->bytes + at;
    if (wide) {
        start = elf_u64(p);
        size = elf_u64(p + 8);
    } else {
        start = cie->encoding & 8 ? (u64)(s64)elf_s32(p) : elf_u32(p);
        size = elf_u32(p + 4);
    }
    if (cie->encoding & ENCODING_PCREL)
        start += frames->vaddr + at;
    if (size)
        mark_function(scan, start, size, cie->signal_frame);
}

// `to_end`: the bytes are a whole section, in which a zero length may be followed by more.
static void walk_frames(struct scan *scan, const struct frames *frames, bool to_end)
{
    struct cie cie = { .at = SIZE_MAX };
    size_t at = 0;

    while (frames->size - at >= 8) {
        u32 length = elf_u32(frames->bytes + at);
        size_t body = at + 4;
        if (length == 0 && to_end) {
            at += 4;
            continue;
        }
        // 64-bit lengths (0xffffffff) do not occur in .eh_frame.
        if (length < 4 || length > frames->size - body)
            return;
        u32 id = elf_u32(frames->bytes + body);
        if (id != 0 && id <= body) {
            size_t cie_at = body - id;
            if (cie_at != cie.at && frames->size - cie_at >= 8) {
                u32 cie_length = elf_u32(frames->bytes + cie_at);
                cie.at = cie_at;
                cie.valid = false;
                if (cie_length >= 8 && cie_length <= frames->size - cie_at - 4)
                    read_cie(frames, cie_at + 8, cie_at + 4 + cie_length, &cie);
            }
            if (cie_at == cie.at && cie.valid)
                read_fde(scan, frames, body + 4, body + length, &cie);
        }
        at = body + length;
    }
}

// .eh_frame by way of PT_GNU_EH_FRAME: version 1, pointer encoded as pcrel sdata4 by every linker.
static bool frames_from_header(const struct elf_view *elf, struct frames *ret)
{
    const u8 *header = elf->eh_frame_hdr ? elf_at(elf, elf->eh_frame_hdr, 8) : NULL;
    u64 size;

    if (!header || header[0] != 1 || header[1] != (ENCODING_PCREL | ENCODING_SDATA4))
        return false;
    ret->vaddr = elf->eh_frame_hdr + 4 + (u64)(s64)elf_s32(header + 4);
    ret->bytes = elf_at_most(elf, ret->vaddr, &size);
    ret->size = size;
    return ret->bytes;
}

void scan_unwind_tables(struct scan *scan)
{
    const struct elf_view *elf = &scan->elf;
    struct elf_section section;
    struct frames frames;

    if (frames_from_header(elf, &frames))
        walk_frames(scan, &frames, false);
    // Static programs may have the section without the header.
    for (u32 i = 0; i < elf->section_count && !elf->eh_frame_hdr; i++) {
        if (!elf_section_get(elf, i, &section) || !(section.flags & SHF_ALLOC) ||
            section.flags & (SHF_EXECINSTR | SHF_WRITE) || section.size < 16)
            continue;
        const u8 *bytes = elf_at(elf, section.vaddr, section.size);
        // Recognised by its first entry: a CIE (id 0) of version 1.
        if (!bytes || elf_u32(bytes + 4) != 0 || bytes[8] != 1 || bytes[9] != 'z')
            continue;
        frames = (struct frames){ .bytes = bytes, .size = section.size, .vaddr = section.vaddr };
        walk_frames(scan, &frames, true);
        return; // one per file: more would only cost time
    }
}
