// SPDX-License-Identifier: BSD-3-Clause
// Credentials of a thread (credentials(7), capabilities(7)): made once, never changed, shared by reference. A thread
// that changes its ids takes a changed copy. They separate honest programs from their mistakes, not enemies: everything
// is one enclave.
#pragma once

#include "base/types.h"

#include <linux/capability.h>

struct thread;

enum {
    CRED_GROUPS_MAX = 65536,
    // securebits(7), as linux/securebits.h has them
    SECURE_NOROOT = 1 << 0,
    SECURE_NO_SETUID_FIXUP = 1 << 2,
    SECURE_KEEP_CAPS = 1 << 4,
    SECURE_KEEP_CAPS_LOCKED = 1 << 5,
    SECURE_NO_CAP_AMBIENT_RAISE = 1 << 6,
    SECURE_ALL_BITS = 0x55,
    SECURE_ALL_LOCKS = SECURE_ALL_BITS << 1,
};

#define CAP_BIT(cap) (1ull << (cap))
#define CAP_EVERY (CAP_BIT(CAP_LAST_CAP + 1) - 1)
// What goes and comes with the file system's user id being 0 (capabilities(7)).
#define CAP_FS_SET                                                                                         \
    (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | \
     CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_MAC_OVERRIDE))

struct cred {
    u32 refs; // atomic
    u32 uid, euid, suid, fsuid;
    u32 gid, egid, sgid, fsgid;
    u64 permitted, effective, inheritable, bounding, ambient; // CAP_BIT sets
    u32 securebits;                                           // SECURE_*
    u32 group_count;
    u32 groups[]; // ascending
};

// Those of the current thread; root's for a thread that was given none. They hold until the thread changes them.
const struct cred *current_cred(void);
// Those of any thread, with a reference. The thread stays meanwhile (process_lock).
const struct cred *thread_cred(struct thread *thread);
const struct cred *cred_ref(const struct cred *cred); // NULL is accepted
void cred_unref(const struct cred *cred);             // NULL is accepted
// A copy to be changed before anybody else sees it, with room for groups instead of the old ones (NULL: keeps those).
// NULL without memory.
struct cred *cred_copy(const struct cred *cred, const u32 *groups, u32 group_count);
// Takes over the reference: they are the current thread's from now on.
void cred_set(struct cred *cred);

static inline bool cred_capable(const struct cred *cred, u32 capability) { return cred->effective >> capability & 1; }
static inline bool capable(u32 capability) { return cred_capable(current_cred(), capability); }
// Is gid the file system's group id, or one of the supplementary ones?
bool cred_in_group(const struct cred *cred, u32 gid);
