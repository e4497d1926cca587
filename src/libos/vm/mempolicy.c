// SPDX-License-Identifier: BSD-3-Clause
// get_mempolicy(2), set_mempolicy(2), mbind(2): the enclave has one node. Policies of threads are kept and told back;
// where memory lies is the host's choice.
#include <linux/mempolicy.h>

#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/vm/family.h"
#include "libos/vm/user.h"
#include "libos/vm/vma.h"

enum {
    NODE_BITS = 64, // more than there are; those beyond must be 0
    MAXNODE_MOST = PAGE_SIZE * 8,
    MODES = MPOL_PREFERRED_MANY + 1,
    MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING,
    BIND_FLAGS = MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL,
};

// Reads a set of nodes of maxnode - 1 bits. -EINVAL: it has some that no machine has.
static int nodes_from_user(u64 *ret_nodes, const u64 __user *user, u64 maxnode)
{
    u64 bits = maxnode ? maxnode - 1 : 0, word;

    *ret_nodes = 0;
    if (!bits || !user)
        return 0;
    if (bits > MAXNODE_MOST)
        return -EINVAL;
    for (u64 i = 0; i * NODE_BITS < bits; i++) {
        if (get_user(word, user + i))
            return -EFAULT;
        if (bits - i * NODE_BITS < NODE_BITS)
            word &= (1ull << (bits - i * NODE_BITS)) - 1;
        if (i && word)
            return -EINVAL;
        *ret_nodes |= word;
    }
    return 0;
}

// The policy that mode (with its flags) and nodes make, or what is wrong with them.
static int policy_of(int mode, u64 nodes, u16 *ret_policy)
{
    int flags = mode & MODE_FLAGS;

    mode &= ~MODE_FLAGS;
    if (mode < 0 || mode >= MODES || (flags & MPOL_F_STATIC_NODES && flags & MPOL_F_RELATIVE_NODES) ||
        (flags & MPOL_F_NUMA_BALANCING && mode != MPOL_BIND))
        return -EINVAL;
    *ret_policy = (u16)(mode | flags);
    if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
        return nodes || (mode == MPOL_LOCAL && flags) ? -EINVAL : 0;
    if (mode == MPOL_PREFERRED && !nodes) {
        *ret_policy = MPOL_LOCAL;
        return flags ? -EINVAL : 0;
    }
    return nodes & 1 ? 0 : -EINVAL;
}

static int policy_from_user(int mode, const u64 __user *user, u64 maxnode, u16 *ret_policy)
{
    u64 nodes;
    u16 unused;
    // An unknown mode is told before the nodes are looked at.
    int err = policy_of(mode, 1, &unused) && policy_of(mode, 0, &unused) ? -EINVAL : 0;
    if (!err)
        err = nodes_from_user(&nodes, user, maxnode);
    return err ? err : policy_of(mode, nodes, ret_policy);
}

long sys_set_mempolicy(int mode, const u64 __user *user, u64 maxnode)
{
    u16 policy;
    int err = policy_from_user(mode, user, maxnode, &policy);
    if (!err)
        current->memory_policy = policy;
    return err;
}

static bool is_mapped(u64 start, u64 end)
{
    struct mm *mm = current->mm;
    bool all = true;

    mm_lock(mm);
    while (all && start < end) {
        struct vma *vma = vma_find(mm, start);
        all = vma && vma->start <= start;
        start = all ? vma->end : end;
    }
    mm_unlock(mm);
    return all;
}

static int nodes_to_user(u64 __user *user, u64 maxnode, u64 nodes)
{
    const u64 none = 0;
    for (u64 i = 0; i * NODE_BITS < maxnode - 1; i++)
        if (copy_to_user(user + i, i ? &none : &nodes, sizeof(none)))
            return -EFAULT;
    return 0;
}

long sys_get_mempolicy(int __user *user_mode, u64 __user *user, u64 maxnode, u64 addr, u64 flags)
{
    int mode = current->memory_policy;
    u64 nodes = (mode & ~MODE_FLAGS) == MPOL_DEFAULT || (mode & ~MODE_FLAGS) == MPOL_LOCAL ? 0 : 1;

    if (user && maxnode < 2)
        return -EINVAL;
    if (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
            return -EINVAL;
        mode = 0;
        nodes = 1;
    } else if (flags & MPOL_F_ADDR) {
        if (!is_mapped(addr & ~PAGE_MASK, (addr & ~PAGE_MASK) + PAGE_SIZE))
            return -EFAULT;
    } else if (addr || (flags & MPOL_F_NODE && (mode & ~MODE_FLAGS) != MPOL_INTERLEAVE)) {
        return -EINVAL;
    }
    if (flags & MPOL_F_NODE)
        mode = 0; // the number of the only one
    if (user_mode && put_user(mode, user_mode))
        return -EFAULT;
    return user ? nodes_to_user(user, maxnode, nodes) : 0;
}

long sys_mbind(u64 addr, u64 len, u64 mode, const u64 __user *user, u64 maxnode, u32 flags)
{
    u16 policy;
    int err = policy_from_user((int)mode, user, maxnode, &policy);

    if (err)
        return err;
    u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
    if ((flags & ~(u32)BIND_FLAGS) || !IS_ALIGNED(addr, PAGE_SIZE) || end < addr)
        return -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
        return -EPERM;
    return is_mapped(addr, end) ? 0 : -EFAULT;
}
