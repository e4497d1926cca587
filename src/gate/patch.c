// SPDX-License-Identifier: BSD-3-Clause
#include "gate/patch.h"

#include <asm/errno.h>

#include "base/checked.h"

#define SYSCALL_SIZE 2u
// Nothing that belongs to a site is farther from it than this (hole by rel8, or window).
#define SITE_REACH 140u

static const u8 syscall_bytes[SYSCALL_SIZE] = { 0x0f, 0x05 };

size_t gate_stub_area_size(const struct gate_table *table) { return (size_t)table->count * GATE_STUB_STRIDE; }

bool gate_in_reach(const struct gate_mapping *map)
{
    u64 low = map->bias + map->table->base, high, stub_end;

    if (add_overflow_u64(low, map->table->span, &high) ||
        add_overflow_u64(map->stub_base, gate_stub_area_size(map->table), &stub_end))
        return false;
    // Windows may also refer to data: anything within the file's span.
    return MAX(high, stub_end) - MIN(low, map->stub_base) <= (u64)INT32_MAX;
}

static u64 site_address(const struct gate_mapping *map, const struct gate_site *site)
{
    return map->bias + map->table->base + site->offset;
}

static u64 stub_address(const struct gate_mapping *map, const struct gate_site *site)
{
    return map->stub_base + (u64)(site - map->table->sites) * GATE_STUB_STRIDE;
}

static void put_rel32(u8 *at, u64 from, u64 to)
{
    u32 rel = (u32)(to - from);
    __builtin_memcpy(at, &rel, sizeof(rel));
}

// `from` is the address of the jmp.
static void make_jmp(u8 jmp[GATE_JMP_SIZE], u64 from, u64 to)
{
    jmp[0] = 0xe9;
    put_rel32(jmp + 1, from + GATE_JMP_SIZE, to);
}

// The window's one RIP-relative operand: same target, seen from the stub. The displacement may lead
// outside the file's span in a hostile table; then it is merely a wrong address of the program.
static void relocate_window(u8 *window, const struct gate_site *site, u64 delta)
{
    u32 disp;

    if (site->fixup == GATE_NO_FIXUP)
        return;
    __builtin_memcpy(&disp, window + site->fixup, sizeof(disp));
    disp -= (u32)delta;
    __builtin_memcpy(window + site->fixup, &disp, sizeof(disp));
}

static void write_stub(const struct gate_mapping *map, const struct gate_site *site, u32 entry_offset, u8 *stub)
{
    u64 run = stub_address(map, site), address = site_address(map, site);
    u8 *p = stub;

    __builtin_memcpy(p, site->window, site->window_size);
    relocate_window(p, site, run - (address - site->window_size));
    p += site->window_size;
    *p++ = 0x48; // lea resume(%rip), %rcx
    *p++ = 0x8d;
    *p++ = 0x0d;
    put_rel32(p, run + site->window_size + 7, address + SYSCALL_SIZE);
    p += 4;
    *p++ = 0x65; // jmp *%gs:entry_offset
    *p++ = 0xff;
    *p++ = 0x24;
    *p++ = 0x25;
    __builtin_memcpy(p, &entry_offset, sizeof(entry_offset));
}

int gate_write_stubs(const struct gate_mapping *map, u32 entry_offset, u8 *area)
{
    if (!gate_in_reach(map))
        return -ERANGE;
    for (u32 i = 0; i < map->table->count; i++, area += GATE_STUB_STRIDE) {
        const struct gate_site *site = &map->table->sites[i];
        for (unsigned at = 0; at < GATE_STUB_STRIDE; at += 2) { // what is not used is ud2
            area[at] = 0x0f;
            area[at + 1] = 0x0b;
        }
        if (site->kind != GATE_TRAP)
            write_stub(map, site, entry_offset, area);
    }
    return 0;
}

static bool site_mapped(const struct gate_mapping *map, const struct gate_site *site)
{
    u64 address = site_address(map, site);

    if (!range_within(address - site->window_size, site->window_size + SYSCALL_SIZE, map->first, map->last))
        return false;
    return site->kind != GATE_HOLE ||
           range_within(map->bias + map->table->base + site->hole, GATE_JMP_SIZE, map->first, map->last);
}

// The part of [at, at+len) that lies in the page: compare it with the page (bytes != NULL).
static bool same_in_page(u64 page, const u8 *content, u64 at, const u8 *bytes, u32 len)
{
    for (u32 i = 0; i < len; i++)
        if (at + i - page < PAGE_SIZE && content[at + i - page] != bytes[i])
            return false;
    return true;
}

static bool put_in_page(u64 page, u8 *content, u64 at, const u8 *bytes, u32 len)
{
    bool touched = false;

    for (u32 i = 0; i < len; i++) {
        if (at + i - page < PAGE_SIZE) {
            content[at + i - page] = bytes[i];
            touched = true;
        }
    }
    return touched;
}

static bool apply_pre(const struct gate_mapping *map, const struct gate_site *site, u64 page, u8 *content)
{
    u64 address = site_address(map, site), start = address - site->window_size;
    u8 jmp[GATE_JMP_SIZE];

    if (!same_in_page(page, content, start, site->window, site->window_size) ||
        !same_in_page(page, content, address, syscall_bytes, SYSCALL_SIZE))
        return false;
    make_jmp(jmp, start, stub_address(map, site));
    return put_in_page(page, content, start, jmp, sizeof(jmp));
}

// The hole has been unreachable so far: which of the two places is written first does not matter as
// long as both pages are prepared before the program runs on either; the LibOS brings a page in on a
// fault, so a jmp into a page that is not there yet simply faults it in, rewritten.
static bool apply_hole(const struct gate_mapping *map, const struct gate_site *site, u64 page, u8 *content)
{
    u64 address = site_address(map, site), hole = map->bias + map->table->base + site->hole;
    u8 jmp[GATE_JMP_SIZE], jump_short[2] = { 0xeb, (u8)(site->hole - (site->offset + 2)) };

    if (!same_in_page(page, content, address, syscall_bytes, SYSCALL_SIZE))
        return false;
    make_jmp(jmp, hole, stub_address(map, site));
    bool touched = put_in_page(page, content, hole, jmp, sizeof(jmp));
    return put_in_page(page, content, address, jump_short, sizeof(jump_short)) || touched;
}

u32 gate_apply(const struct gate_mapping *map, u64 page, u8 bytes[PAGE_SIZE])
{
    const struct gate_table *table = map->table;
    u64 origin = map->bias + table->base;
    u64 from = page > origin + SITE_REACH ? page - origin - SITE_REACH : 0;
    u32 count = 0;

    if (from >= table->span)
        return 0;
    for (u32 i = gate_table_lower_bound(table, (u32)from); i < table->count; i++) {
        const struct gate_site *site = &table->sites[i];
        if (origin + site->offset >= page + PAGE_SIZE + SITE_REACH)
            break;
        if (site->kind == GATE_TRAP || !site_mapped(map, site))
            continue;
        if (site->kind == GATE_PRE ? apply_pre(map, site, page, bytes) : apply_hole(map, site, page, bytes))
            count++;
    }
    return count;
}

static int hole_to_original(const struct gate_mapping *map, u64 rip, u64 *ret_original)
{
    const struct gate_table *table = map->table;
    u64 offset = rip - (map->bias + table->base);

    if (offset >= table->span)
        return -ENOENT;
    u32 from = offset > SITE_REACH ? (u32)offset - SITE_REACH : 0;
    for (u32 i = gate_table_lower_bound(table, from); i < table->count; i++) {
        const struct gate_site *site = &table->sites[i];
        if (site->offset > offset + SITE_REACH)
            break;
        if (site->kind == GATE_HOLE && site_mapped(map, site) &&
            range_within(offset, 1, site->hole, (u64)site->hole + GATE_JMP_SIZE)) {
            *ret_original = site_address(map, site);
            return 0;
        }
    }
    return -ENOENT;
}

int gate_stub_to_original(const struct gate_mapping *map, u64 rip, u64 *ret_original)
{
    u64 at = rip - map->stub_base;

    if (at >= gate_stub_area_size(map->table))
        return hole_to_original(map, rip, ret_original);
    const struct gate_site *site = &map->table->sites[at / GATE_STUB_STRIDE];
    u64 inside = at % GATE_STUB_STRIDE;
    if (site->kind == GATE_TRAP || inside >= site->window_size + GATE_STUB_TAIL)
        return -ENOENT;
    // The instructions keep their sizes; after them the program is at the syscall, not yet made.
    *ret_original = site_address(map, site) - site->window_size + MIN(inside, (u64)site->window_size);
    return 0;
}

u64 gate_original_to_run(const struct gate_mapping *map, u64 rip)
{
    const struct gate_table *table = map->table;
    u64 offset = rip - (map->bias + table->base);

    if (offset >= table->span)
        return rip;
    u32 i = gate_table_lower_bound(table, (u32)offset);
    if (i == table->count || table->sites[i].kind != GATE_PRE || !site_mapped(map, &table->sites[i]))
        return rip;
    const struct gate_site *site = &table->sites[i];
    u32 start = site->offset - site->window_size;
    // At the start there is the jmp; from its end on the original bytes are still in place.
    if (offset <= start || offset >= start + GATE_JMP_SIZE)
        return rip;
    return stub_address(map, site) + (offset - start);
}
