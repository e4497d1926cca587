// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: families, mms whose areas overlap - after fork, or programs linked to the same addresses. There is one
// page at an address, so of a family one member is resident: its pages are in place, and its threads alone touch
// memory. A thread gives that up where it sleeps and takes it again before it touches memory or runs its program.
//
// What of a member is not in place is kept aside. A page of a member that nothing is kept of is in place, whoever is
// resident: relatives have the same there. So nobody changes a page that he has in common with a relative before it is
// kept for that one (family_claim).
//
// An mm without relatives has no family, and pays nothing but a look at the pointer.
#pragma once

#include "libos/sync/wait.h"
#include "libos/vm/vma.h"

struct family {
    struct mutex lock;        // members, their trees, what is kept of them, filemaps they share; after mm->lock
    struct list_head members; // struct mm.relatives
    // Guarded by the residents' lock, a spinlock of family.c:
    struct mm *resident;      // NULL: the last one is gone
    struct thread *exclusive; // changes the resident, or forks: nobody comes in
    bool wanted;              // a member waits for its turn
    s64 slice_end;            // until then the resident need not give way
    struct wait_queue turn;   // who waits for a turn, or to be alone
};

// An mm gets its family once, under its lock and the residents': who holds neither asks by this. NULL: it has none.
static inline struct family *mm_family(const struct mm *mm) { return __atomic_load_n(&mm->family, __ATOMIC_ACQUIRE); }

// What of a member is kept aside: contents, or bytes NULL: the pages were never touched.
struct kept {
    struct list_head link; // mm->kept
    u64 start, end;
    u8 *bytes;
    u32 stamp; // of the operation that made it, which may have to take it back
};

// mm->lock, and with it the family's. With mm_lock the memory of the mm's own thread is in place and stays so, however
// long it sleeps, until mm_unlock (vma.h): for all that changes or touches it. mm_look is for others, and for those who
// only look at the tree: it waits for no turn.
void mm_lock(struct mm *mm);
void mm_look(struct mm *mm);

// --- pages (kept.c). family->lock is held.

// The member of mm's family other than mm that has an area at addr, or NULL; *ret_end (not NULL) gets the end of the
// run from addr on, at most end, for which that answer holds.
struct mm *family_holder(const struct mm *mm, u64 addr, u64 end, u64 *ret_end);
// Has a relative memory in [start, end) that it shares with others? It cannot be put aside, so nothing else gets there.
bool family_shares(const struct mm *mm, u64 start, u64 end);
// Keeps what of [start, end) relatives of mm have in place, because mm is about to change it. fresh: and takes
// the pages away, for a new mapping. 0 or -ENOMEM (nothing changed that anybody could see).
__nodiscard int family_claim(struct mm *mm, u64 start, u64 end, bool fresh);
// Absent pages [start, end) of a private file area of mm are to be filled. Relatives that map the same part of the file
// there, and cannot write it, will have them too (family_filled); what others have there is kept. 0 or -ENOMEM.
__nodiscard int family_fill(struct mm *mm, const struct vma *vma, u64 start, u64 end);
void family_filled(struct mm *mm, const struct vma *vma, u64 start, u64 end);
// Keeps what of [start, end) owner has in place. 0 or -ENOMEM.
__nodiscard int kept_add(struct mm *owner, u64 start, u64 end, u32 stamp);
// Is anything of mm kept at addr? *ret_end: how far from addr, at most end, the answer holds; *ret_contents: with
// bytes.
bool kept_run(const struct mm *mm, u64 addr, u64 end, u64 *ret_end, bool *ret_contents);
// Puts the page at addr of mm, which is not resident, aside if it is not already. *ret_page: its bytes, NULL: it was
// never touched. 0 or -ENOMEM.
__nodiscard int kept_page(struct mm *mm, u64 addr, u8 **ret_page);
u32 kept_stamp(void); // a new one
// Forgets what was kept of the family with this stamp: it is in place still.
void kept_undo(struct family *family, u32 stamp);
void kept_free(struct mm *mm); // all of it
// Brings a member's pages in place; the others' are kept first. 0, or -ENOMEM: nobody is resident, it may be tried
// again.
__nodiscard int family_exchange(struct family *family, const struct mm *from, struct mm *to);
// Copies of shared pages that lie elsewhere than at home go home: who is away has none. 0 or -ENOMEM.
__nodiscard int family_withdraw(struct mm *mm);
// Removes the area's pages from mm: those that relatives have in place are only hidden, addresses that relatives have
// stay taken, as all do with keep. 0 or -ENOMEM.
__nodiscard int family_drop_area(struct mm *mm, struct vma *vma, bool keep);

// Addresses of mm, of which relatives may have some already. 0 or -ENOMEM (or -EEXIST).
__nodiscard int mm_take_range(struct mm *mm, u64 start, u64 len);
void mm_release_range(struct mm *mm, u64 start, u64 len);

// Waits until no other thread of the mm (the current thread's) runs and keeps all out; makes the family if there is
// none. 0 or -ENOMEM.
__nodiscard int family_begin_alone(struct mm *mm);
// The end of that: to (NULL: as before) is the resident now, with one thread running.
void family_end_alone(struct mm *mm, struct mm *to);
// Every mm from its making until it has no areas any more: vm_map_beside looks for those that are in the way.
void family_list(struct mm *mm);
void family_unlist(struct mm *mm);
// A member is gone. Frees the family with the last one.
void family_leave(struct mm *mm);
