// SPDX-License-Identifier: BSD-3-Clause
// Pages whose protection the host sets: simulation, and SGX without EDMM, where everything is committed at load and
// protections are a request to the kernel, not enforced against it.
#include "trusted/emm.h"
#include "abi/linux/abi.h"
#include "base/string.h"
#include "trusted/cpu.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"

static struct emm_caps caps;

const struct emm_caps *emm_caps(void) { return &caps; }

void emm_init(void);
void emm_init(void)
{
    bool sim = enclave_layout.mode == ENCLAVE_MODE_SIM;
    caps = (struct emm_caps){ .faults = cpu_reports_faults(), .absent = sim, .fresh_zero = sim };
}

// Kernel heap pages are usable from the start; only user space follows the programs' protections.
static bool is_user(u64 addr) { return addr < enclave_layout.user_end; }

int emm_map(u64 addr, u64 len, u32 prot)
{
    if (!is_user(addr))
        return 0;
    if (!caps.fresh_zero) {
        int err = (int)ocall_mem_protect(addr, len, EMM_READ | EMM_WRITE);
        if (err)
            return err;
        memset((void *)addr, 0, len);
    }
    return (int)ocall_mem_protect(addr, len, prot);
}

int emm_commit(u64 addr, u64 len)
{
    if (caps.fresh_zero && is_user(addr))
        return (int)ocall_mem_commit(addr, len);
    return emm_map(addr, len, EMM_READ | EMM_WRITE);
}

int emm_publish(u64 addr, u64 len, u64 from, u32 prot)
{
    if (caps.fresh_zero)
        return (int)ocall_mem_move(addr, len, from, prot);
    // Without page faults this happens inside mmap, before the program knows the address.
    int err = emm_map(addr, len, EMM_READ | EMM_WRITE);
    if (!err) {
        memcpy((void *)addr, (const void *)from, len);
        err = emm_protect(addr, len, prot);
    }
    return err ? err : emm_discard(from, len);
}

int emm_protect(u64 addr, u64 len, u32 prot)
{
    return is_user(addr) ? (int)ocall_mem_protect(addr, len, prot) : 0;
}

int emm_discard(u64 addr, u64 len)
{
    if (!is_user(addr))
        return 0;
    int err = (int)ocall_mem_protect(addr, len, 0);
    return err ? err : (int)ocall_mem_discard(addr, len);
}

int emm_zero(u64 addr, u64 len, u32 prot)
{
    if (caps.fresh_zero)
        return (int)ocall_mem_discard(addr, len);
    return emm_map(addr, len, prot);
}

void emm_get_stats(struct emm_stats *ret_stats) { *ret_stats = (struct emm_stats){ 0 }; }
