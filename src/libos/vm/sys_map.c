// SPDX-License-Identifier: BSD-3-Clause
// mmap, munmap, mprotect, mremap, brk.
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/vm.h"

enum {
    LEGACY_FLAGS = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |
                   MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |
                   MAP_32BIT
};

// What Linux looks at before it maps, in its order.
static long may_map(struct vm_map_args *args, u32 access_mode)
{
    u32 type = args->flags & MAP_TYPE, mode = access_mode & O_ACCMODE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    if (!args->len)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (args->flags & ~(u32)(LEGACY_FLAGS | MAP_TYPE)))
        return -EOPNOTSUPP;
    if (!shared && type != MAP_PRIVATE)
        return -EINVAL;
    args->may_write = mode == O_RDWR;
    if (mode == O_WRONLY || (shared && (args->prot & PROT_WRITE) && !args->may_write))
        return -EACCES;
    return args->ops->may_map ? args->ops->may_map(args->file, shared, args->prot, &args->may_write, &args->no_exec)
                              : 0;
}

static long map_file(struct vm_map_args *args, int fd)
{
    u32 mode = O_RDWR;
    if (!vm_file_from_fd)
        return -EBADF;
    args->file = vm_file_from_fd(fd, &args->ops, &mode);
    // Whoever may not write the file is told so before it is looked whether it can be mapped.
    bool to_write = (args->flags & MAP_TYPE) == MAP_SHARED && (args->prot & PROT_WRITE);
    if (is_err(args->file))
        return ptr_err(args->file) == -ENODEV && to_write && mode != O_RDWR ? -EACCES : ptr_err(args->file);
    if (!args->file && to_write && mode != O_RDWR)
        return -EACCES;
    if (!args->file) {
        args->flags |= MAP_ANONYMOUS;
        return vm_map(current->mm, args);
    }
    long result = may_map(args, mode);
    if (!result)
        result = vm_map(current->mm, args);
    args->ops->put(args->file); // the mapping holds its own reference
    return result;
}

long sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, int fd, u64 offset)
{
    struct vm_map_args args = {
        .addr = addr,
        .len = len,
        .prot = (u32)prot,
        .flags = (u32)flags,
        .offset = offset,
    };
    if (!IS_ALIGNED(offset, PAGE_SIZE))
        return -EINVAL;
    return flags & MAP_ANONYMOUS ? vm_map(current->mm, &args) : map_file(&args, fd);
}

long sys_munmap(u64 addr, u64 len) { return vm_unmap(current->mm, addr, len); }

long sys_mprotect(u64 addr, u64 len, u64 prot)
{
    return prot > UINT32_MAX ? -EINVAL : vm_protect(current->mm, addr, len, (u32)prot);
}

long sys_brk(u64 addr) { return (long)vm_brk(current->mm, addr); }

long sys_mremap(u64 old, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
    return flags > UINT32_MAX ? -EINVAL : vm_remap(current->mm, old, old_len, new_len, (u32)flags, new_addr);
}
