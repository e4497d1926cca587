// SPDX-License-Identifier: BSD-3-Clause
#include "gate/sites.h"

#include <asm/errno.h>

#include "base/checked.h"
#include "gate/decode.h"

#define REL8_REACH 130u // a hole and its site are at most so far apart

u32 gate_table_lower_bound(const struct gate_table *table, u32 offset)
{
    u32 low = 0, high = table->count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (table->sites[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool in_ranges(u64 start, u64 len, const struct gate_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (range_within(start, len, ranges[i].start, ranges[i].end))
            return true;
    return false;
}

// Does the window consist of whole instructions that may run at another address?
static bool window_valid(const struct gate_site *site)
{
    u8 fixup = GATE_NO_FIXUP;

    if (site->window_size < GATE_JMP_SIZE || site->window_size > GATE_WINDOW_MAX || site->offset < site->window_size)
        return false;
    for (u8 at = 0; at < site->window_size;) {
        struct gate_insn insn;
        gate_decode(site->window + at, site->window_size - at, &insn);
        if (insn.kind != INSN_PLAIN && insn.kind != INSN_NOP)
            return false;
        if (insn.flags & INSN_RIP_RELATIVE) {
            if (fixup != GATE_NO_FIXUP)
                return false;
            fixup = (u8)(at + insn.disp_at);
        }
        at = (u8)(at + insn.size);
    }
    return fixup == site->fixup;
}

static bool hole_valid(const struct gate_site *site)
{
    s64 rel = (s64)site->hole - ((s64)site->offset + 2);

    return site->window_size == 0 && site->fixup == GATE_NO_FIXUP && rel >= -128 && rel <= 127 &&
           (rel >= 0 || rel <= -(s64)(2 + GATE_JMP_SIZE));
}

static bool site_valid(const struct gate_table *table, const struct gate_site *site, const struct gate_range *ranges,
                       size_t range_count)
{
    u64 address = table->base + site->offset;

    if (site->insn_class != GATE_CLASS_SYSCALL || site->kind >= GATE_KIND_COUNT ||
        !range_within(site->offset, 2, 0, table->span) || site->reserved[0] || site->reserved[1] || site->reserved[2])
        return false;
    for (unsigned i = site->window_size; i < GATE_WINDOW_MAX; i++)
        if (site->window[i])
            return false;
    switch (site->kind) {
    case GATE_PRE:
        return site->hole == 0 && window_valid(site) &&
               in_ranges(address - site->window_size, site->window_size + 2u, ranges, range_count);
    case GATE_HOLE:
        return hole_valid(site) && in_ranges(address, 2, ranges, range_count) &&
               in_ranges(table->base + site->hole, GATE_JMP_SIZE, ranges, range_count);
    default:
        return site->hole == 0 && site->window_size == 0 && site->fixup == GATE_NO_FIXUP;
    }
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size) { return a < b + b_size && b < a + a_size; }

// Is the hole of site `index` free of every other site's window, instruction and hole?
static bool hole_free(const struct gate_table *table, u32 index)
{
    u32 hole = table->sites[index].hole;
    u32 from = hole > 2 * REL8_REACH ? hole - 2 * REL8_REACH : 0;

    for (u32 i = gate_table_lower_bound(table, from); i < table->count; i++) {
        const struct gate_site *other = &table->sites[i];
        if (other->offset > hole + 2 * REL8_REACH)
            return true;
        if (overlap(hole, GATE_JMP_SIZE, other->offset - other->window_size, other->window_size + 2u))
            return false;
        if (i != index && other->kind == GATE_HOLE && overlap(hole, GATE_JMP_SIZE, other->hole, GATE_JMP_SIZE))
            return false;
    }
    return true;
}

static bool header_valid(const struct gate_table *table, size_t size)
{
    u64 end;

    return size >= sizeof(*table) && table->magic == GATE_TABLE_MAGIC && table->version == GATE_TABLE_VERSION &&
           table->site_size == sizeof(struct gate_site) && table->reserved == 0 && IS_ALIGNED(table->base, PAGE_SIZE) &&
           table->span <= GATE_SPAN_MAX && !add_overflow_u64(table->base, table->span, &end) &&
           table->count <= table->span / 2 && size == gate_table_size(table->count);
}

int gate_table_check(const void *bytes, size_t size, const struct gate_range *ranges, size_t range_count)
{
    const struct gate_table *table = bytes;
    u32 kinds[GATE_KIND_COUNT] = { 0 };
    u64 end = 0; // of the site before

    if (!header_valid(table, size))
        return -EINVAL;
    // Order first: the searches below rely on it.
    for (u32 i = 0; i < table->count; i++) {
        const struct gate_site *site = &table->sites[i];
        if (!site_valid(table, site, ranges, range_count) || site->offset - site->window_size < end)
            return -EINVAL;
        end = (u64)site->offset + 2;
        kinds[site->kind]++;
    }
    for (u32 i = 0; i < table->count; i++)
        if (table->sites[i].kind == GATE_HOLE && !hole_free(table, i))
            return -EINVAL;
    return __builtin_memcmp(kinds, table->kinds, sizeof(kinds)) ? -EINVAL : 0;
}
