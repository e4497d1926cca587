// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/vma.h"

#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "libos/vm/filemap.h"
#include "trusted/emm.h"

static struct vma *vma_of(const struct rb_node *node) { return node ? container_of(node, struct vma, node) : NULL; }

struct vma *vma_new(void)
{
    struct vma *vma = kzalloc(sizeof(*vma));
    if (vma)
        list_init(&vma->view);
    if (vma && range_descriptor_add() != 0) {
        kfree(vma);
        return NULL;
    }
    return vma;
}

void vma_free(struct vma *vma)
{
    filemap_unref(vma->map);
    range_descriptor_drop();
    kfree(vma);
}

struct vma *vma_find(const struct mm *mm, u64 addr)
{
    struct vma *best = NULL;
    for (struct rb_node *node = mm->vmas.root; node;) {
        struct vma *vma = vma_of(node);
        if (addr < vma->end) {
            best = vma;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct vma *vma_next(const struct vma *vma) { return vma_of(rb_next(&vma->node)); }
struct vma *vma_prev(const struct vma *vma) { return vma_of(rb_prev(&vma->node)); }

void vma_insert(struct mm *mm, struct vma *vma)
{
    struct rb_node **link = &mm->vmas.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = vma->start < vma_of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert(&mm->vmas, &vma->node, parent, link);
    mm->mapped += vma_len(vma) / PAGE_SIZE;
    mm->count++;
}

void vma_erase(struct mm *mm, struct vma *vma)
{
    mutex_assert_held(&mm->lock);
    mm_changed(mm);
    rb_erase(&mm->vmas, &vma->node);
    mm->mapped -= vma_len(vma) / PAGE_SIZE;
    mm->count--;
}

int vma_split_at(struct mm *mm, u64 addr)
{
    struct vma *vma = vma_find(mm, addr);
    if (!vma || vma->start >= addr)
        return 0;
    struct vma *upper = vma_new();
    if (!upper)
        return -ENOMEM;
    upper->start = addr;
    upper->end = vma->end;
    upper->prot = vma->prot;
    upper->flags = vma->flags;
    upper->map = vma->map ? filemap_ref(vma->map) : NULL;
    vma_set_range(vma, vma->start, addr);
    if (upper->flags & VMA_HOME)
        vma_join_home(upper);
    mm->mapped -= vma_len(upper) / PAGE_SIZE;
    vma_insert(mm, upper);
    return 0;
}

static bool mergeable(const struct vma *lower, const struct vma *upper)
{
    return lower->end == upper->start && lower->prot == upper->prot && lower->flags == upper->flags &&
           lower->map == upper->map;
}

void vma_merge_range(struct mm *mm, u64 start, u64 end)
{
    mutex_assert_held(&mm->lock);
    struct vma *vma = vma_find(mm, start ? start - 1 : 0);
    while (vma && vma->end <= end) {
        struct vma *next = vma_next(vma);
        if (!next)
            return;
        if (!mergeable(vma, next)) {
            vma = next;
            continue;
        }
        vma_erase(mm, next);
        mm->mapped += vma_len(next) / PAGE_SIZE;
        vma_set_range(vma, vma->start, next->end);
        if (next->flags & VMA_HOME)
            vma_leave_home(next);
        vma_free(next);
    }
}

u32 vma_emm_prot(u32 prot)
{
    u32 emm = 0;
    if (prot)
        emm |= EMM_READ;
    if (prot & PROT_WRITE)
        emm |= EMM_WRITE;
    if (prot & PROT_EXEC)
        emm |= EMM_EXEC;
    return emm;
}
