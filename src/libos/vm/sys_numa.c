// SPDX-License-Identifier: BSD-3-Clause
// Memory policies (set_mempolicy(2), get_mempolicy(2), mbind(2)) of a machine with one node, as numactl --hardware
// shows it here: everything is checked and told back, and nothing could be placed elsewhere.
#include <linux/mempolicy.h>

#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"
#include "libos/vm/vm.h"

enum { NODES_MAX = 64, MODE_FLAGS = MPOL_MODE_FLAGS, MODES = MPOL_MAX };

// A program's set of nodes, of which node 0 is there; *ret_some: it names any. 0, -EINVAL, -EFAULT.
static int nodes_from_user(const u64 __user *user, u64 max, bool *ret_node, bool *ret_some)
{
    u64 bits = 0;

    *ret_node = *ret_some = false;
    if (max <= 1 || !user)
        return 0;
    max--;
    if (max > PAGE_SIZE * 8)
        return -EINVAL;
    for (u64 i = 0, word; i < max; i += NODES_MAX) {
        if (get_user(word, user + i / NODES_MAX))
            return -EFAULT;
        if (max - i < NODES_MAX)
            word &= (1ull << (max - i)) - 1;
        if (i && word)
            return -EINVAL;
        bits |= word;
    }
    *ret_node = bits & 1;
    *ret_some = bits;
    return 0;
}

// A mode with the nodes it was given. *ret_policy: as it is kept, the nodes' bit 31. 0, -EINVAL, -EFAULT.
static int policy_from_user(u32 mode, const u64 __user *nodes, u64 max, u32 *ret_policy)
{
    bool node, some;
    u32 flags = mode & MODE_FLAGS, kind = mode & ~(u32)MODE_FLAGS;

    if (kind >= MODES ||
        (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) == (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
        return -EINVAL;
    if ((flags & MPOL_F_NUMA_BALANCING) && kind != MPOL_BIND)
        return -EINVAL;
    int err = nodes_from_user(nodes, max, &node, &some);
    if (err)
        return err;
    if (kind == MPOL_DEFAULT || kind == MPOL_LOCAL || (kind == MPOL_PREFERRED && !some)) {
        if (some || (flags && kind != MPOL_DEFAULT))
            return -EINVAL;
        *ret_policy = kind == MPOL_PREFERRED ? MPOL_LOCAL : kind;
        return 0;
    }
    if (!node)
        return -EINVAL;
    *ret_policy = mode | 1u << 31;
    return 0;
}

long sys_set_mempolicy(int mode, const u64 __user *nodes, u64 max)
{
    u32 policy;
    int err = policy_from_user((u32)mode, nodes, max, &policy);
    if (!err)
        current->mempolicy = policy;
    return err;
}

static long put_nodes(u64 __user *user, u64 max, bool node)
{
    u64 bytes = ALIGN_UP(max - 1, NODES_MAX) / 8;
    if (bytes > sizeof(u64) && (bytes > PAGE_SIZE || clear_user((u8 __user *)user + sizeof(u64), bytes - sizeof(u64))))
        return bytes > PAGE_SIZE ? -EINVAL : -EFAULT;
    return bytes && put_user((u64)node, user) ? -EFAULT : 0;
}

long sys_get_mempolicy(u32 __user *mode, u64 __user *nodes, u64 max, u64 addr, u64 flags)
{
    u32 policy = current->mempolicy, told = policy & ~(1u << 31);
    bool node = policy >> 31;

    if ((nodes && max < 1) || (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)))
        return -EINVAL;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
            return -EINVAL;
        told = 0;
        node = true;
    } else if (flags & MPOL_F_ADDR) {
        if (vm_mapped(current->mm, addr, 1) != 0)
            return -EFAULT;
    } else if (addr || ((flags & MPOL_F_NODE) && (told & ~(u32)MODE_FLAGS) != MPOL_INTERLEAVE)) {
        return -EINVAL;
    }
    if (flags & MPOL_F_NODE)
        told = 0; // the node itself
    if (mode && put_user(told, mode))
        return -EFAULT;
    return nodes ? put_nodes(nodes, max, node) : 0;
}

long sys_mbind(u64 addr, u64 len, u64 mode, const u64 __user *nodes, u64 max, u32 flags)
{
    u32 policy;
    if ((flags & ~(u32)MPOL_MF_VALID) || !IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    int err = mode > UINT32_MAX ? -EINVAL : policy_from_user((u32)mode, nodes, max, &policy);
    if (err)
        return err;
    if (len > UINT64_MAX - PAGE_SIZE || addr + ALIGN_UP(len, PAGE_SIZE) < addr)
        return -EINVAL;
    // A range with holes can have its policies taken back.
    return len && policy != MPOL_DEFAULT && vm_mapped(current->mm, addr, ALIGN_UP(len, PAGE_SIZE)) != 0 ? -EFAULT : 0;
}
