// SPDX-License-Identifier: BSD-3-Clause
// A fault planted into the library OS for tests/e2e/test_hostile.py: it accepts any page that faults, also one that is
// known to be committed. The runner must catch what follows from it before it may say that the real one is well.
#include "libos/vm/vm.h"
#include "trusted/enclu.h"

int __real_vm_fault(struct mm *mm, u64 addr, u32 access);
int __wrap_vm_fault(struct mm *mm, u64 addr, u32 access);

int __wrap_vm_fault(struct mm *mm, u64 addr, u32 access)
{
    int err = __real_vm_fault(mm, addr, access);
    if (!err)
        (void)enclu_eaccept(ALIGN_DOWN(addr, PAGE_SIZE),
                            SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING);
    return err;
}
