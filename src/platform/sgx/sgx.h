// SPDX-License-Identifier: BSD-3-Clause
// The parts of the SGX platform. Kernel interface: Documentation/x86/sgx.rst, asm/sgx.h.
#pragma once

#include <asm/sgx.h>
#include <signal.h>

#include "platform/platform.h"
#include "platform/vdso.h"

extern struct enclave_layout sgx_layout;
extern int sgx_device;  // open /dev/sgx_enclave of this enclave
extern bool sgx_exinfo; // SECS.MISCSELECT.EXINFO: the enclave sees page faults

// Entering (enter.S). The functions have the interface of the kernel's __vdso_sgx_enter_enclave.
typedef int sgx_enter_function(void); // the true arguments lie in registers: only assembly calls it

// Arguments of sgx_enter; offsets as in enter.S.
struct sgx_entry {
    u64 code, arg, arena, arena_size; // RDI RSI RDX R8 of the enclave's entry
    u64 leaf;                         // EENTER or ERESUME
    struct sgx_enclave_run *run;
    sgx_enter_function *enter;
    u64 reason, value; // RDI, RSI at EEXIT
    s64 result;        // 0, or -errno: ENCLU was not tried
};
void sgx_enter(struct sgx_entry *entry);
// Stands in where the kernel's vDSO has no entry. Exceptions come as signals at sgx_own_aep; the handler stores them
// in the run structure and goes on at sgx_own_exception.
int sgx_own_enter(void);
extern const u8 sgx_own_aep[], sgx_own_exception[];

// Reads one byte of each page of [addr, addr+len): the driver augments absent pages at the fault. Returns the bytes
// passed; less than len where a page could not be had. (enter.S)
u64 sgx_touch(u64 addr, u64 len);
extern const u8 sgx_touch_load[], sgx_touch_failed[];

// The kernel's entry, or NULL.
static inline sgx_enter_function *sgx_vdso_enter(void)
{
    return (sgx_enter_function *)vdso_symbol("__vdso_sgx_enter_enclave");
}

// Is the range programs' address space?
static inline bool sgx_is_user_range(u64 addr, u64 len)
{
    return addr >= sgx_layout.user_start && addr <= sgx_layout.user_end && len <= sgx_layout.user_end - addr;
}

int sgx_install_handlers(void); // thread.c
struct enclave_exit sgx_enter_slot(void *thread, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size);

// SGX2 host calls (edmm.c).
int sgx_edmm_augment(u64 addr, u64 len, u32 prot);
int sgx_edmm_restrict(u64 addr, u64 len, u32 prot);
int sgx_edmm_type(u64 addr, u64 len, u32 type);
int sgx_edmm_remove(u64 addr, u64 len);
