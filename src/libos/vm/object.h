// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: memory objects, the pages of a file that is mapped shared.
//
// A page of an enclave has one address, so the same memory cannot appear at two. An object therefore has a home:
// address ranges (extents) that are its own, the same in every process. A mapping that asks for no address gets the
// home; its pages are the file's own, which read(2) and write(2) use too. A mapping that must lie elsewhere (MAP_FIXED,
// a second mapping in one process) is an alias: it has copies, kept coherent by faults as caches are. Of each page
// either
//   - home has it, and no alias does: home has the protection its mappings ask for;
//   - home and some aliases have it, and all of them may only be read;
//   - one alias alone has it (exclusive) and may write; home's page is away.
// So a write through one address is seen by the next read through another, in whatever process. Where the LibOS sees no
// faults (SGX1) an alias is filled when it is made and written back at msync and munmap.
//
// At home one page serves all processes that map it there, so it has the sum of their protections.
//
// Locks: mm->lock, then the object's, which is the inode's. Pages are made, moved and protected under it.
#pragma once

#include "libos/mem/sparse.h"
#include "libos/vm/filemap.h"

enum { OBJECT_EXTENTS = 16 };

struct object_extent {
    u64 first, pages, addr;
};

struct vm_object {
    struct mutex *lock;
    const struct vm_object_ops *ops;
    void *owner;
    struct object_extent extents[OBJECT_EXTENTS];
    u32 extent_count;
    struct sparse present;     // the page has contents and is charged; they lie at home, or with an alias alone
    struct sparse dirty;       // ops->write: changed since it was written; home may be written only then
    struct list_head homes;    // struct vma.view: mappings at home
    struct list_head aliases;  // struct vm_filemap.of_object: shared, elsewhere
    struct list_head privates; // struct vm_filemap.of_object
    u64 zaps;                  // truncations so far
    bool opened;               // between vm_object_open and vm_object_close: a protection is to be restored
};

// Lists of the object; takes its lock.
void object_join(struct vm_object *object, struct vm_filemap *map);
void object_leave(struct vm_object *object, struct vm_filemap *map);

// The rest is called with the lock held.
// The address of page `index` at home, 0 if it has none.
u64 object_home(const struct vm_object *object, u64 index);
// Sees to it that pages [first, first+count) have a home. fixed: a free address where they shall lie if they have none
// yet, or 0. Returns the address if all of them lie in one piece, 0 if not, or a negative errno as (s64).
__nodiscard s64 object_settle(struct vm_object *object, u64 first, u64 count, u64 fixed);
// Fills the absent pages of [first, end). 0, -ENOMEM, -EIO, -ENOSPC.
__nodiscard int object_install(struct vm_object *object, u64 first, u64 end);
// Gives present pages at home the protection that they should have now.
__nodiscard int object_apply(struct vm_object *object, u64 first, u64 end);
// Brings a page that an alias has alone back home; with others the copies of all aliases go too, so that home may be
// written.
__nodiscard int object_recall(struct vm_object *object, u64 index, bool others);

// alias.c. The object is locked.
bool alias_has(const struct vm_filemap *map, u64 index);
bool alias_alone(const struct vm_filemap *map, u64 index);
// A fault of an alias. -EALREADY: nothing was amiss.
__nodiscard int alias_fault(struct vma *vma, u64 index, bool write);
// Drops the alias's copies of file pages [first, end); with keep what it alone has is brought home before. 0, -ENOMEM.
__nodiscard int alias_drop(struct vm_filemap *map, u64 first, u64 end, bool keep);
// What the alias has changed of file pages [first, end) is brought home. 0, -ENOMEM.
__nodiscard int alias_give(struct vm_filemap *map, u64 first, u64 end);

// shared.c: VMAs of shared mappings. mm->lock is held, the object is not locked.
// mmap(2) of a file with MAP_SHARED.
__nodiscard s64 shared_map(struct mm *mm, const struct vm_map_args *args, u32 vma_flags);
// The VMA goes: its pages are no longer accessible through it. 0, -ENOMEM (nothing changed).
__nodiscard int shared_leave(struct vma *vma);
__nodiscard int shared_protect(struct mm *mm, struct vma *vma, u32 prot);
__nodiscard int shared_fault(struct vma *vma, u64 page, bool write);
// Brings [start, end) in, as far as the file goes. 0 or an error of the first page that cannot be had.
__nodiscard int shared_populate(struct vma *vma, u64 start, u64 end);
// Changes of the mapping in [start, end) become the file's (pages of an alias come home).
__nodiscard int shared_give(struct vma *vma, u64 start, u64 end);
// Extends a VMA at home in place. False: it is none, or something is in the way.
bool shared_grow(struct mm *mm, struct vma *vma, u64 end);
bool shared_resident(const struct vma *vma, u64 page);
