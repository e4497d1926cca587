// SPDX-License-Identifier: BSD-3-Clause
// The program break. Its room is reserved when the program is loaded (a PROT_NONE VMA costs nothing), so that no
// mapping can come to lie in its way.
#include "libos/mem/range.h"
#include "libos/vm/family.h"
#include "libos/vm/vma.h"

static u64 page_up(u64 addr) { return ALIGN_UP(addr, PAGE_SIZE); }

int mm_set_brk(struct mm *mm, u64 start, u64 limit)
{
    u64 room = page_up(MIN(limit, GIB(1024))), first = page_up(start);
    mm->brk_start = mm->brk_end = mm->brk_limit = 0;
    if (room == 0)
        return 0;
    mm_lock(mm);
    struct vm_map_args args = {
        .addr = first,
        .len = room,
        .prot = PROT_NONE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE,
    };
    s64 addr = vm_map_locked(mm, &args, VMA_BRK);
    if (addr < 0) { // something lies behind bss: the break may begin anywhere
        args.flags = MAP_PRIVATE | MAP_ANONYMOUS;
        args.addr = 0;
        addr = vm_map_locked(mm, &args, VMA_BRK);
    }
    if (addr >= 0) {
        mm->brk_start = mm->brk_end = (u64)addr;
        mm->brk_limit = (u64)addr + room;
    }
    mm_unlock(mm);
    return addr < 0 ? (int)addr : 0;
}

// Is every page of [start, end) room for the break that the program left alone?
static bool is_room(const struct mm *mm, u64 start, u64 end)
{
    for (u64 addr = start; addr < end;) {
        struct vma *vma = vma_find(mm, addr);
        if (!vma || vma->start > addr || !(vma->flags & VMA_BRK))
            return false;
        addr = vma->end;
    }
    return true;
}

static int set_break(struct mm *mm, u64 addr)
{
    if (addr < mm->brk_start || addr > mm->brk_limit)
        return -EINVAL;
    u64 old = page_up(mm->brk_end), new = page_up(addr), from = MIN(old, new), to = MAX(old, new);
    if (from != to && !is_room(mm, from, to))
        return -EINVAL;
    if (new > old) {
        int err = vm_protect_locked(mm, from, to, PROT_READ | PROT_WRITE);
        if (err)
            return err;
    } else if (new < old) {
        struct vm_map_args args = {
            .addr = from,
            .len = to - from,
            .prot = PROT_NONE,
            .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
        };
        s64 mapped = vm_map_locked(mm, &args, VMA_BRK);
        if (mapped < 0)
            return (int)mapped;
    }
    WRITE_ONCE(mm->brk_end, addr); // looked at without the lock
    return 0;
}

static int brk_once(struct mm *mm, u64 addr, u64 *ret_break)
{
    u64 now = READ_ONCE(mm->brk_end);
    mm_note_peak(mm, addr >= mm->brk_start && addr < now ? now - addr : 0);
    if (addr > now && vm_may_grow(mm, page_up(addr) - page_up(now), true, 0, 0) != 0) {
        *ret_break = now;
        return 0;
    }
    mm_lock(mm);
    int err = set_break(mm, addr);
    *ret_break = mm->brk_end;
    mm_unlock(mm);
    return err;
}

u64 vm_brk(struct mm *mm, u64 addr)
{
    u64 result, now = READ_ONCE(mm->brk_end);
    // brk(2) reports failure by the unchanged break.
    int err = vm_retry(brk_once(mm, addr, &result), addr > now ? (addr - now) / PAGE_SIZE + 1 : 1);
    (void)err;
    return result;
}
