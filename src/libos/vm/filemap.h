// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: the file pages of one mmap call. VMAs that come from it by splitting share it; page i is at
// addr + i * PAGE_SIZE. Guarded by the lock of its mm (a filemap never belongs to two).
#pragma once

#include "libos/vm/vma.h"

struct vm_gate;

struct vm_filemap {
    u32 refs;
    bool shared;    // MAP_SHARED: changed pages are written back
    bool may_write; // the descriptor allowed MAP_SHARED with PROT_WRITE
    void *file;     // owned reference
    const struct vm_file_ops *ops;
    u64 addr, offset, pages;
    u64 next_page;           // page after the last window brought in: faults there are sequential
    u64 window;              // pages to bring in at the next sequential fault
    struct vm_gate *gate;    // call-gate patches; NULL: none
    bool common;             // relatives have it too: private and never written, or shared. Guarded by family->lock
    struct vm_filemap *copy; // while mm_fork runs: what the child has in its place
    u64 *present;            // bitmap: the page holds the file's (or the program's) contents and is charged
    u64 *dirty;              // bitmap, of shared mappings: written since the last write-back
};

__nodiscard int filemap_new(const struct vm_map_args *args, u64 addr, u64 len, struct vm_filemap **ret_map);
// For fork: a filemap of its own with the pages present that mm's areas have, charged for them; it shares the gate.
// NULL: no memory.
struct vm_filemap *filemap_copy(struct mm *mm, const struct vm_filemap *map);
// Before an area of mm may be written that has its private filemap in common with relatives: the mm's areas get a copy.
// 0 or -ENOMEM.
__nodiscard int filemap_own(struct mm *mm, struct vm_filemap *map);
struct vm_filemap *filemap_ref(struct vm_filemap *map);
void filemap_unref(struct vm_filemap *map); // NULL is accepted

static inline u64 filemap_index(const struct vm_filemap *map, u64 addr) { return (addr - map->addr) / PAGE_SIZE; }

// The end of the run of pages from addr that all are present (or all absent), clipped to end.
u64 filemap_run_end(const struct vm_filemap *map, u64 addr, u64 end);
bool filemap_any_present(const struct vm_filemap *map, u64 start, u64 end);
// Forgets pages whose memory the caller discards, and uncharges them.
void filemap_forget(struct vm_filemap *map, u64 start, u64 end);

// Brings absent pages of [start, end) in. 0, -EIO (nothing could be read at `must`), -ENOMEM.
__nodiscard int filemap_fill(struct mm *mm, struct vma *vma, u64 start, u64 end, u64 must);
// The fault of an absent page, or the first write to a page of a shared mapping. -EALREADY: nothing was amiss.
__nodiscard int filemap_fault(struct mm *mm, struct vma *vma, u64 page, u32 access);
// Gives the present pages of [start, end) the protection that prot and their dirty bits ask for.
__nodiscard int filemap_protect(struct vma *vma, u64 start, u64 end, u32 prot);
// Writes changed pages of a shared mapping back. 0 or -EIO and others of the file.
__nodiscard int filemap_sync(struct vma *vma, u64 start, u64 end);
