// SPDX-License-Identifier: BSD-3-Clause
// Pages whose protection the host sets: simulation, and SGX without EDMM, where everything is committed at load and
// protections are a request to the kernel, not enforced against it.
#include "trusted/emm_impl.h"
#include "abi/linux/abi.h"
#include "base/string.h"
#include "trusted/cpu.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"

static struct emm_ops ops;

// Kernel heap pages are usable from the start; only user space follows the programs' protections.
static bool is_user(u64 addr) { return addr < enclave_layout.user_end; }

static int host_map(u64 addr, u64 len, u32 prot)
{
    if (!is_user(addr))
        return 0;
    if (!ops.caps.fresh_zero) {
        int err = (int)ocall_mem_protect(addr, len, EMM_READ | EMM_WRITE);
        if (err)
            return err;
        memset((void *)addr, 0, len);
    }
    return (int)ocall_mem_protect(addr, len, prot);
}

static int host_commit(u64 addr, u64 len)
{
    if (ops.caps.fresh_zero && is_user(addr))
        return (int)ocall_mem_commit(addr, len);
    return host_map(addr, len, EMM_READ | EMM_WRITE);
}

static int host_protect(u64 addr, u64 len, u32 prot)
{
    return is_user(addr) ? (int)ocall_mem_protect(addr, len, prot) : 0;
}

static int host_discard(u64 addr, u64 len)
{
    if (!is_user(addr))
        return 0;
    int err = (int)ocall_mem_protect(addr, len, 0);
    return err ? err : (int)ocall_mem_discard(addr, len);
}

static int host_publish(u64 addr, u64 len, u64 from, u32 prot)
{
    if (ops.caps.fresh_zero)
        return (int)ocall_mem_move(addr, len, from, prot);
    // Without page faults this happens inside mmap, before the program knows the address.
    int err = host_map(addr, len, EMM_READ | EMM_WRITE);
    if (!err) {
        memcpy((void *)addr, (const void *)from, len);
        err = host_protect(addr, len, prot);
    }
    return err ? err : host_discard(from, len);
}

static int host_zero(u64 addr, u64 len, u32 prot)
{
    if (ops.caps.fresh_zero)
        return (int)ocall_mem_discard(addr, len);
    return host_map(addr, len, prot);
}

static int host_copy(u64 addr, u64 len, u64 from, u32 prot) { return -ENOSYS; }
static void host_prefetch(u64 addr, u64 len) {}
static bool host_accessible(u64 addr, u32 prot) { return true; }

static int host_contents(u64 addr, u64 count, u8 *ret_flags)
{
    memset(ret_flags, 1, count);
    return ops.caps.fresh_zero ? (int)ocall_mem_contents(addr, ret_flags, count) : 0;
}

const struct emm_ops *emm_host_init(void)
{
    bool sim = enclave_layout.mode == ENCLAVE_MODE_SIM;
    ops = (struct emm_ops){
        .caps = { .faults = cpu_reports_faults(), .absent = sim, .fresh_zero = sim },
        .map = host_map,
        .commit = host_commit,
        .copy = host_copy,
        .publish = host_publish,
        .protect = host_protect,
        .discard = host_discard,
        .zero = host_zero,
        .prefetch = host_prefetch,
        .accessible = host_accessible,
        .contents = host_contents,
    };
    return &ops;
}
