// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/private.h"

#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/vm/filemap.h"
#include "libos/vm/tempmem.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

enum { BLOCK_PAGES = 256 }; // of one copy

struct vm_aside {
    struct vm_aside *next;
    struct private_run run;
    void *bytes;
};

// The end of the pages from addr, within the VMA, that are there (or not there) alike; *ret_there says which.
static u64 alike(const struct vma *vma, u64 addr, bool *ret_there)
{
    if (vma->map) {
        *ret_there = filemap_any_present(vma->map, addr, addr + PAGE_SIZE);
        return filemap_run_end(vma->map, addr, vma->end);
    }
    *ret_there = vma->flags & VMA_BACKED;
    if (!*ret_there || !emm_caps()->lazy_anon)
        return vma->end;
    u64 end = addr + PAGE_SIZE;
    *ret_there = emm_accessible(addr, 0);
    while (end < vma->end && emm_accessible(end, 0) == *ret_there)
        end += PAGE_SIZE;
    return end;
}

static bool next_run(struct mm *mm, u64 addr, struct private_run *ret_run)
{
    for (struct vma *vma = vma_find(mm, addr); vma; vma = vma_next(vma)) {
        bool there = false;
        u64 at = MAX(addr, vma->start), end = vma->end;
        if (vma->flags & VMA_SHARED)
            continue;
        for (; at < vma->end && !there; at = there ? at : end)
            end = alike(vma, at, &there);
        if (!there)
            continue;
        *ret_run = (struct private_run){ at, end, vma_emm_prot(vma->prot) };
        return true;
    }
    return false;
}

bool mm_next_private(struct mm *mm, u64 addr, struct private_run *ret_run)
{
    mutex_lock(&mm->lock);
    bool found = next_run(mm, addr, ret_run);
    mm_unlock(mm);
    return found;
}

static int copy_run(const struct private_run *run, void *to)
{
    u64 len = run->end - run->start;
    bool hidden = !(run->prot & EMM_READ);
    if (hidden && emm_protect(run->start, len, EMM_READ) != 0)
        return -ENOMEM;
    memcpy(to, (const void *)(uintptr_t)run->start, len);
    return hidden ? emm_protect(run->start, len, run->prot) : 0;
}

static int set_aside(const struct private_run *run, struct vm_aside **list)
{
    u64 len = run->end - run->start;
    struct vm_aside *block = kmalloc(sizeof(*block));
    if (!block)
        return -ENOMEM;
    *block = (struct vm_aside){ *list, *run, tempmem_alloc(len, enclave_layout.user_start, enclave_layout.user_end) };
    int err = block->bytes ? copy_run(run, block->bytes) : -ENOMEM;
    if (err) {
        tempmem_free(block->bytes, len);
        kfree(block);
        return err;
    }
    *list = block;
    return 0;
}

int mm_set_aside(struct mm *mm, u64 start, u64 end, struct vm_aside **ret_aside)
{
    struct private_run run;
    int err = 0;
    *ret_aside = NULL;
    while (!err && start < end && mm_next_private(mm, start, &run) && run.start < end) {
        run.end = MIN(MIN(run.end, end), run.start + BLOCK_PAGES * PAGE_SIZE);
        err = set_aside(&run, ret_aside);
        start = run.end;
    }
    if (err) {
        mm_drop_aside(*ret_aside);
        *ret_aside = NULL;
    }
    return err;
}

static void free_block(struct vm_aside *block)
{
    tempmem_free(block->bytes, block->run.end - block->run.start);
    kfree(block);
}

int mm_bring_back(struct vm_aside **aside)
{
    while (*aside) {
        struct vm_aside *block = *aside;
        const struct private_run *run = &block->run;
        if (emm_overwrite(run->start, run->end - run->start, (u64)(uintptr_t)block->bytes, run->prot) != 0)
            return -ENOMEM;
        *aside = block->next;
        free_block(block);
    }
    return 0;
}

void mm_drop_aside(struct vm_aside *aside)
{
    while (aside) {
        struct vm_aside *next = aside->next;
        free_block(aside);
        aside = next;
    }
}

u64 mm_aside_pages(const struct vm_aside *aside)
{
    u64 pages = 0;
    for (; aside; aside = aside->next)
        pages += (aside->run.end - aside->run.start) / PAGE_SIZE;
    return pages;
}
