// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: one mmap call of a file. VMAs that come from it by splitting share it; page i is at addr + i *
// PAGE_SIZE. Guarded by the lock of its mm (a filemap never belongs to two); of a shared one the bitmaps are guarded by
// the object's lock.
#pragma once

#include "libos/vm/vma.h"

struct vm_gate;
struct vm_object;

struct vm_filemap {
    u32 refs;
    struct mm *mm;
    bool shared;    // MAP_SHARED
    bool home;      // shared, and at the object's home: its pages are the file's own
    bool may_write; // the descriptor allowed MAP_SHARED with PROT_WRITE
    bool no_exec;   // its file lies on a noexec mount
    void *file;     // owned reference
    const struct vm_file_ops *ops;
    struct vm_object *object;   // of the file, which keeps it; NULL: the file has none
    struct list_head of_object; // in one of its lists; guarded by its lock
    u64 zap;                    // object.c: the last truncation that has seen it
    u64 addr, offset, pages;
    u64 next_page;        // page after the last window brought in: faults there are sequential
    u64 window;           // pages to bring in at the next sequential fault
    bool hot_known;       // the pages that programs were seen to touch have been brought in, or there are none
    bool hot;             // they are known: others are rare
    struct vm_gate *gate; // call-gate patches; NULL: none
    u64 *present;         // bitmap: the page holds contents and is charged; NULL: at home
    u64 *exclusive;       // bitmap, of a shared one elsewhere: this copy may be written, it is the only one
    struct vm_filemap *next_released;
    struct vm_filemap *copy; // the child's, while vm_fork runs
};

// addr: where page 0 lies. Joins the file's object. 0 or -ENOMEM.
__nodiscard int filemap_new(struct mm *mm, const struct vm_map_args *args, u64 addr, bool home,
                            struct vm_filemap **ret_map);
// For fork: the child's filemap of a private mapping, with the same pages present, charged for them, and the same gate.
// NULL: no memory.
struct vm_filemap *filemap_copy(struct mm *child, const struct vm_filemap *map);
struct vm_filemap *filemap_ref(struct vm_filemap *map);
// mm->lock is held; the file is put when it is given up by mm_unlock. NULL is accepted.
void filemap_unref(struct vm_filemap *map);

static inline u64 filemap_index(const struct vm_filemap *map, u64 addr) { return (addr - map->addr) / PAGE_SIZE; }

// Of private mappings.
// The end of the run of pages from addr that all are present (or all absent), clipped to end.
u64 filemap_run_end(const struct vm_filemap *map, u64 addr, u64 end);
bool filemap_any_present(const struct vm_filemap *map, u64 start, u64 end);
// Forgets pages whose memory the caller discards, and uncharges them.
void filemap_forget(struct vm_filemap *map, u64 start, u64 end);
// Brings absent pages of [start, end) in. 0, -EIO (nothing could be read at `must`), -ENOMEM.
__nodiscard int filemap_fill(struct mm *mm, struct vma *vma, u64 start, u64 end, u64 must);
// Brings in [start, end), all present or all absent, and what a fault of its first page would bring in.
__nodiscard int filemap_populate(struct mm *mm, struct vma *vma, u64 start, u64 end);
// The fault of a page. -EALREADY: it is there.
__nodiscard int filemap_fault(struct mm *mm, struct vma *vma, u64 page);
// Gives the present pages of [start, end) the protection prot.
__nodiscard int filemap_protect(struct vma *vma, u64 start, u64 end, u32 prot);
