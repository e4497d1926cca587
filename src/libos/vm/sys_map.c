// SPDX-License-Identifier: BSD-3-Clause
// mmap, munmap, mprotect, mremap, brk.
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/vm.h"

static long map_file(struct vm_map_args *args, int fd)
{
    u32 mode;
    if (!vm_file_from_fd)
        return -EBADF;
    void *file = vm_file_from_fd(fd, &args->ops, &mode);
    if (is_err(file))
        return ptr_err(file);
    args->file = file;
    args->may_write = (mode & O_ACCMODE) == O_RDWR;
    bool shared = (args->flags & MAP_TYPE) == MAP_SHARED || (args->flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
    long result;
    if ((mode & O_ACCMODE) == O_WRONLY || (shared && (args->prot & PROT_WRITE) && !args->may_write))
        result = -EACCES;
    else
        result = vm_map(current->mm, args);
    args->ops->put(file); // the mapping holds its own reference
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
