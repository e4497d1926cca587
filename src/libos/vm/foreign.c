// SPDX-License-Identifier: BSD-3-Clause
// Another process's memory (process_vm_readv(2)). Its pages may be in place, at home in an object, or kept aside while
// a relative has its turn.
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/usercopy.h"

enum { TRIES = 16 }; // faults of one page, which others may take away again

static u8 *bytes_at(u64 addr) { return (u8 *)(uintptr_t)addr; }

static void move(u8 *there, u8 *here, size_t n, bool write) { memcpy(write ? there : here, write ? here : there, n); }

static int access_shared(const struct vma *vma, u64 addr, u8 *buf, size_t n, bool write)
{
    struct vm_object *object = vma->map->object;
    u64 index = (vma->map->offset + (addr - vma->map->addr)) / PAGE_SIZE;
    u8 *page;

    if (!object)
        return -EFAULT;
    mutex_lock(object->lock);
    int err = vm_object_covers(object, index) ? vm_object_open(object, index, write, &page) : -EFAULT;
    if (!err) {
        move(page + (addr & PAGE_MASK), buf, n, write);
        vm_object_close(object, index);
    }
    mutex_unlock(object->lock);
    return err ? -EFAULT : 0;
}

// Of a member of a family that has no turn: aside, where what it shares with others goes first.
static int access_away(struct mm *mm, const struct vma *vma, u64 addr, u8 *buf, size_t n, bool write)
{
    u8 *page;
    int err = kept_page(mm, ALIGN_DOWN(addr, PAGE_SIZE), &page);

    if (err)
        return err;
    if (!page && (write || vma->map))
        return -EFAULT; // it never had this page
    if (page)
        move(page + (addr & PAGE_MASK), buf, n, write);
    else
        memset(buf, 0, n);
    return 0;
}

// Without a turn; or between fork and the child's first step, when what the parent had is kept for it already.
static bool is_aside(const struct mm *mm, u64 addr)
{
    u64 end;
    bool contents;
    return mm->family->resident != mm || kept_run(mm, addr, addr + 1, &end, &contents);
}

// One try, within a page. -EAGAIN: the page is to be brought in. mm_look is held.
static int access_once(struct mm *mm, u64 addr, u8 *buf, size_t n, bool write)
{
    struct vma *vma = vma_find(mm, addr);

    if (!vma || vma->start > addr || (write ? !(vma->prot & PROT_WRITE) : vma->prot == PROT_NONE))
        return -EFAULT;
    if (vma->map && vma->map->shared)
        return access_shared(vma, addr, buf, n, write);
    if (mm->family && is_aside(mm, addr))
        return access_away(mm, vma, addr, buf, n, write);
    bool absent = vma->map && !bitmap_test(vma->map->present, filemap_index(vma->map, addr));
    if (absent || usercopy_raw(write ? bytes_at(addr) : buf, write ? buf : bytes_at(addr), n) != 0)
        return -EAGAIN;
    return 0;
}

size_t vm_access(struct mm *mm, u64 addr, void *buf, size_t size, bool write)
{
    size_t done = 0;

    while (done < size) {
        u64 at = addr + done;
        size_t n = MIN(size - done, PAGE_SIZE - (at & PAGE_MASK));
        int err = -EAGAIN;
        for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
            mm_look(mm);
            err = access_once(mm, at, (u8 *)buf + done, n, write);
            bool may_fault = !mm->family || mm->family->resident == mm;
            mm_unlock(mm);
            if (err == -EAGAIN && (!may_fault || vm_fault(mm, at, write ? VM_WRITE : VM_READ) != 0))
                break;
        }
        if (err)
            break;
        done += n;
    }
    return done;
}
