// SPDX-License-Identifier: BSD-3-Clause
// Life of an address space, its statistics, and where new mappings go.
#include "libos/mem/account.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "libos/vm/family.h"
#include "libos/vm/filemap.h"
#include "trusted/layout.h"
#include "trusted/random.h"

#define LOW_END GIB(2) // kept for programs that want low addresses

static u64 user_start, user_end;
static u64 place_top; // automatic placement goes down from here; drawn at boot

void *(*vm_file_from_fd)(int fd, const struct vm_file_ops **ret_ops, u32 *ret_access_mode);

void *(*vm_shared_memory)(u64 len, const struct vm_file_ops **ret_ops);

void vm_init(void)
{
    u64 random, span;
    user_start = enclave_layout.user_start;
    user_end = enclave_layout.user_end;
    span = MIN((user_end - user_start) / 32, GIB(1));
    random_bytes(&random, sizeof(random));
    place_top = user_end - (span >= PAGE_SIZE ? ALIGN_DOWN(random % span, PAGE_SIZE) : 0);
    account_init(enclave_layout.user_limit);
    range_init(user_start, user_end);
}

bool vm_place(u64 len, bool low, u64 *ret_start)
{
    if (low)
        return range_alloc(len, PAGE_SIZE, user_start, MIN(LOW_END, user_end), ret_start);
    return range_alloc(len, PAGE_SIZE, LOW_END, place_top, ret_start) ||
           range_alloc(len, PAGE_SIZE, LOW_END, user_end, ret_start) ||
           range_alloc(len, PAGE_SIZE, user_start, place_top, ret_start) ||
           range_alloc(len, PAGE_SIZE, user_start, user_end, ret_start);
}

// Where ld(1) puts programs that are not position independent, and room for their data.
#define LINKED_START MIB(4)
#define LINKED_END MIB(256)

bool vm_place_initial(u64 len, u64 *ret_start)
{
    u64 end = enclave_layout.edmm ? enclave_layout.user_committed_end : 0;
    return (end > LINKED_END && range_alloc(len, PAGE_SIZE, LINKED_END, end, ret_start)) ||
           (end && range_alloc(len, PAGE_SIZE, user_start, MIN(end, LINKED_START), ret_start));
}

bool vm_reclaim(u64 pages) { return filepage_reclaim(pages) != 0; }

void mm_changed(struct mm *mm)
{
    static u64 last;
    __atomic_store_n(&mm->generation, __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
}

int mm_create(struct mm **ret_mm)
{
    struct mm *mm = kzalloc(sizeof(*mm));
    if (!mm)
        return -ENOMEM;
    mm->refs = 1;
    mutex_init(&mm->lock, LOCK_MM);
    list_init(&mm->relatives);
    list_init(&mm->kept);
    family_list(mm);
    mm_changed(mm);
    *ret_mm = mm;
    return 0;
}

struct mm *mm_ref(struct mm *mm)
{
    __atomic_fetch_add(&mm->refs, 1, __ATOMIC_RELAXED);
    return mm;
}

struct mm *mm_ref_alive(struct mm *mm)
{
    u32 refs = __atomic_load_n(&mm->refs, __ATOMIC_RELAXED);
    while (refs)
        if (__atomic_compare_exchange_n(&mm->refs, &refs, refs + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return mm;
    return NULL;
}

void mm_unref(struct mm *mm)
{
    if (!mm || __atomic_sub_fetch(&mm->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    mm_look(mm);
    // Whole VMAs go: no split, so the only failure is the emm's, and then the addresses must not be used again.
    int err = vm_unmap_locked(mm, user_start, user_end, false);
    mm_unlock(mm);
    family_unlist(mm);
    if (mm->program)
        mm->program_ops->program_done(mm->program);
    if (err)
        return;
    if (mm->family)
        family_leave(mm);
    kfree(mm);
}

bool vm_is_shared(struct mm *mm, u64 addr)
{
    mm_look(mm);
    const struct vma *vma = vma_find(mm, addr);
    bool shared = vma && vma->start <= addr && (vma->flags & VMA_SHARED);
    mm_unlock(mm);
    return shared;
}

void mm_set_program(struct mm *mm, void *file, const struct vm_file_ops *ops)
{
    mm->program = file;
    mm->program_ops = ops;
}

void mm_get_usage(struct mm *mm, u64 *ret_mapped, u64 *ret_count)
{
    u64 room = 0;
    mm_look(mm);
    if (mm->brk_limit)
        room = mm->brk_limit - ALIGN_UP(mm->brk_end, PAGE_SIZE);
    *ret_mapped = mm->mapped * PAGE_SIZE - MIN(room, mm->mapped * PAGE_SIZE);
    *ret_count = mm->count;
    mm_unlock(mm);
}

void vm_get_stats(struct vm_stats *ret_stats)
{
    struct account_stats account;
    account_get_stats(&account);
    *ret_stats = (struct vm_stats){
        .mapped = range_taken(),
        .committed = account.committed,
        .peak = account.peak,
        .limit = account.limit,
    };
}

static const char *area_name(const struct vma *vma, char *path, size_t size)
{
    if (vma->map) {
        size_t len = vma->map->ops->path ? vma->map->ops->path(vma->map->file, path, size) : 0;
        path[MIN(len, size - 1)] = '\0';
        return path;
    }
    if (vma->flags & VMA_BRK)
        return "[heap]";
    return vma->flags & VMA_STACK ? "[stack]" : "";
}

// The lock is not held while visit runs, which may copy to user memory: the next VMA is looked up by address.
int vm_for_each(struct mm *mm, bool resident, int (*visit)(const struct vm_area_info *area, void *arg), void *arg)
{
    int err = 0;
    char *path = kmalloc(PATH_MAX);
    u8 *flags = resident ? kpages_alloc(1) : NULL;
    if (!path)
        err = -ENOMEM;
    for (u64 addr = 0; !err;) {
        mm_look(mm);
        struct vma *vma = vma_find(mm, addr);
        while (vma && (vma->flags & VMA_BRK) && vma->prot == PROT_NONE)
            vma = vma_next(vma); // room for the break is no mapping in Linux
        if (!vma) {
            mm_unlock(mm);
            break;
        }
        struct vm_area_info area = { .start = vma->start, .end = vma->end, .prot = vma->prot };
        area.shared = vma->flags & VMA_SHARED;
        area.file = vma->map;
        if (resident)
            area.resident = vma_resident(mm, vma, flags);
        if (vma->map) {
            area.offset = vma->map->offset + (vma->start - vma->map->addr);
            area.inode = vma->map->ops->inode ? vma->map->ops->inode(vma->map->file) : 0;
        }
        area.name = area_name(vma, path, PATH_MAX);
        mm_unlock(mm);
        addr = area.end;
        err = visit(&area, arg);
    }
    kfree(path);
    if (flags)
        kpages_free(flags, 1);
    return err;
}
