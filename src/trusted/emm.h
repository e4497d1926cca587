// SPDX-License-Identifier: BSD-3-Clause
// Enclave memory manager: the only code that makes pages usable, changes or gives them back. It hides whether the
// platform is simulation, SGX without EDMM, or SGX2. Addresses and lengths are page aligned and lie in user space or
// in the kernel heap. Callers (libos/vm) serialise operations on one page; different pages may go in parallel.
#pragma once

#include "base/types.h"

enum { EMM_READ = 1, EMM_WRITE = 2, EMM_EXEC = 4 };

// What the platform gives, constant after boot.
struct emm_caps {
    bool faults;     // the LibOS sees page faults
    bool absent;     // pages may be left without contents and brought in on first touch
    bool lazy_anon;  // anonymous pages must be committed by emm_commit on a fault (EDMM). Otherwise emm_map makes them
                     // usable at once and, where zero_fill, they cost nothing until touched
    bool copies;     // emm_copy works, and publish does not
    bool enforced;   // protections are enforced by hardware the host cannot overrule (EDMM)
    bool fresh_zero; // pages made usable by emm_map after emm_discard read as zeros without being written
};
const struct emm_caps *emm_caps(void);

// At boot, before the kernel heap.
void emm_init(void);
// At boot, once host calls work: prepares memory that was added at load.
void emm_start(void);

// Makes a range of anonymous memory usable with prot, contents zero. Without lazy_anon: at once. With lazy_anon: only
// remembered by the caller; this does nothing. Returns 0, -ENOMEM.
__nodiscard int emm_map(u64 addr, u64 len, u32 prot);
// Commits pages that are absent (after a fault) with prot EMM_READ|EMM_WRITE so that the LibOS can fill them; contents
// zero. Pages that are there stay as they are; of the kernel heap only absent ones may be named.
__nodiscard int emm_commit(u64 addr, u64 len);
// Absent pages become copies of enclave memory at `from` (page aligned, stays as it is), each in one step with prot. 0
// or -ENOMEM.
__nodiscard int emm_copy(u64 addr, u64 len, u64 from, u32 prot);
// Puts pages that were filled elsewhere in their place: [from, from+len), committed and written, becomes absent, and
// its contents appear at [addr, addr+len), which was absent, with prot, in one step: other threads see nothing or all
// of it.
__nodiscard int emm_publish(u64 addr, u64 len, u64 from, u32 prot);
// Changes the protection of committed pages; absent ones stay absent. 0 or -ENOMEM.
__nodiscard int emm_protect(u64 addr, u64 len, u32 prot);
// Makes the range inaccessible and gives its pages back; a later emm_map or emm_commit shows zeros.
__nodiscard int emm_discard(u64 addr, u64 len);
// As discard, but the range stays usable with prot and reads as zeros (MADV_DONTNEED of anonymous memory).
__nodiscard int emm_zero(u64 addr, u64 len, u32 prot);
// A hint that absent pages of the range are about to be committed or copied to.
void emm_prefetch(u64 addr, u64 len);
// The same for several ranges (address, length; n counts the numbers), at once. They are filled until
// emm_prefetch_done; emm_prefetch does nothing meanwhile.
void emm_prefetch_runs(const u64 *runs, size_t n);
void emm_prefetch_done(void);
// Is the page there and does it allow the access? Where pages need no commit: always.
bool emm_accessible(u64 addr, u32 prot);

// Which pages of user space hold contents: 1 for a page that was committed or written, 0 for one that would read as
// zeros. The host says it in simulation. 0 or -errno.
__nodiscard int emm_contents(u64 addr, u64 count, u8 *ret_flags);

enum emm_region { EMM_IMAGE, EMM_HEAP, EMM_USER, EMM_THREADS, EMM_REGIONS };
struct emm_stats {
    u64 initial, committed, peak, max; // bytes
};
void emm_get_stats(enum emm_region region, struct emm_stats *ret_stats);

// The trusted page-state map, told in runs of like pages; empty where there is none (only EDMM has one).
struct emm_run {
    u64 addr, count; // count pages
    u32 prot;        // EMM_READ | EMM_WRITE | EMM_EXEC
    bool live;       // in use; otherwise kept for reuse
};
// The first run of user space at or after addr. False: there is none.
bool emm_next_run(u64 addr, struct emm_run *ret_run);
