// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: address spaces and their mappings.
//
// An mm's VMAs lie in a tree by address, never overlap, and are merged where nothing tells them apart. The addresses
// they cover are taken in mem/range.h; gaps may belong to other mms. Everything here is guarded by mm->lock.
#pragma once

#include "base/list.h"
#include "base/rbtree.h"
#include "libos/mem/account.h"
#include "libos/vm/vm.h"

struct family;
struct vm_filemap;

enum vma_flags {
    VMA_BACKED = 1 << 0, // anonymous memory the emm made usable: has contents and is charged, whatever prot says
    VMA_SHARED = 1 << 1,
    VMA_STACK = 1 << 2,
    VMA_BRK = 1 << 3,    // room for the program break
    VMA_MOVING = 1 << 4, // destination of an mremap in progress: not merged
    VMA_HOME = 1 << 5,   // at its object's home (object.h): the addresses are the object's
};

struct vma {
    struct rb_node node;
    u64 start, end;
    u32 prot;               // PROT_READ | PROT_WRITE | PROT_EXEC
    u32 flags;              // enum vma_flags
    struct vm_filemap *map; // owned reference; NULL: anonymous
    struct list_head view;  // VMA_HOME: in the object's list; it, start, end and prot change with the object locked too
    // The window of anonymous memory that the last fault committed: a fault next to it is sequential.
    u64 window_start, window_end;
};

struct mm {
    u32 refs; // atomic
    struct mutex lock;
    u64 generation; // no other mm's, and another one after an area went or changed its protection; read without lock
    struct rb_tree vmas;
    u64 mapped, count;    // pages, VMAs
    struct list_head all; // of all mms; guarded by the lock of that list (family.c)
    // Relatives (family.h). The pointer changes once, from NULL, under lock.
    struct family *family;
    struct list_head relatives; // family->members; guarded by family->lock
    struct list_head kept;      // struct kept.link by address, what of it is not in place; guarded by family->lock
    u32 running;                // atomic: threads that may touch it; with a family guarded by the residents' lock
    u64 peak;                   // bytes that were touched at most, as far as was noted; guarded by lock
    s64 noted_ns;               // when that was last looked at; atomic
    u64 brk_start, brk_end, brk_limit;
    void *program; // mm_set_program
    const struct vm_file_ops *program_ops;
    struct vm_filemap *released; // mappings of files that went since the lock was taken; mm_unlock finishes them
};

// Allocates a VMA together with the range descriptor it needs. NULL when the heap is exhausted.
struct vma *vma_new(void);
void vma_free(struct vma *vma); // drops its filemap too; the addresses are the caller's business

// Unlocks mm->lock, then writes back and puts the files of mappings that went: no file is written, and none closed,
// under the lock that page faults need.
void mm_unlock(struct mm *mm);
// An area goes or changes: what threads remember of the mm (vm/user.c) is void. mm->lock is held, or mm is new.
void mm_changed(struct mm *mm);

// First VMA that ends after addr, or NULL.
struct vma *vma_find(const struct mm *mm, u64 addr);
struct vma *vma_next(const struct vma *vma);
struct vma *vma_prev(const struct vma *vma);
void vma_insert(struct mm *mm, struct vma *vma);
void vma_erase(struct mm *mm, struct vma *vma);
// Shared VMAs at home (shared.c).
void vma_set_range(struct vma *vma, u64 start, u64 end);
void vma_join_home(struct vma *vma);
void vma_leave_home(struct vma *vma);
// Are there any in [start, end)?
bool vma_any_home(const struct mm *mm, u64 start, u64 end);
// Makes addr a border between VMAs. 0 or -ENOMEM.
__nodiscard int vma_split_at(struct mm *mm, u64 addr);
// Joins VMAs that touch and agree, for each border in [start, end].
void vma_merge_range(struct mm *mm, u64 start, u64 end);

static inline u64 vma_len(const struct vma *vma) { return vma->end - vma->start; }

// May the caller's mm have `grow` bytes more, those in [replaced_start, replaced_end) being gone? data: private ones
// that can be written. Without the lock. 0, -ENOMEM.
__nodiscard int vm_may_grow(struct mm *mm, u64 grow, bool data, u64 replaced_start, u64 replaced_end);
// Pages of the VMA that have been touched. flags: a page of scratch memory, or NULL. mm_look is held.
u64 vma_resident(const struct mm *mm, const struct vma *vma, u8 *flags);
// Before `len` bytes go away: they may have been part of a peak (rss.c). Without the lock.
void mm_note_peak(struct mm *mm, u64 len);

// A reference, or NULL when the last one is gone already. What keeps *mm from being freed meanwhile is the caller's.
struct mm *mm_ref_alive(struct mm *mm);

// Protection for the emm: on x86, memory that can be written or executed can be read.
u32 vma_emm_prot(u32 prot);

// The pieces of mmap that other calls are made of. mm->lock is held.
// Takes the addresses of [start, end) that no VMA of mm covers: 0, or -ENOMEM when others own some of them.
__nodiscard int vm_take_gaps(struct mm *mm, u64 start, u64 end);
void vm_release_gaps(struct mm *mm, u64 start, u64 end);
// Removes mappings in [start, end). keep: the addresses stay taken. 0, -ENOMEM (nothing changed).
__nodiscard int vm_unmap_locked(struct mm *mm, u64 start, u64 end, bool keep);
__nodiscard int vm_protect_locked(struct mm *mm, u64 start, u64 end, u32 prot);
__nodiscard s64 vm_map_locked(struct mm *mm, const struct vm_map_args *args, u32 vma_flags);
// Finds and takes free addresses for a mapping without a fixed place. false: none left.
__nodiscard bool vm_place(u64 len, bool low, u64 *ret_start);

// The same in memory that was added at load (EDMM), away from where programs that are linked to an address lie.
__nodiscard bool vm_place_initial(u64 len, u64 *ret_start);

// Runs `call` again as long as it says -ENOMEM and file caches could give pages back. No lock may be held.
#define vm_retry(call, pages)                                                                   \
    ({                                                                                          \
        typeof(call) retry_result = (call);                                                     \
        for (int tries = 0; retry_result == -ENOMEM && tries < 3 && vm_reclaim(pages); tries++) \
            retry_result = (call);                                                              \
        if (retry_result == -ENOMEM)                                                            \
            account_note(pages);                                                                \
        retry_result;                                                                           \
    })
bool vm_reclaim(u64 pages);
