// SPDX-License-Identifier: BSD-3-Clause
// Memory protection keys (pkeys(7)) as on a processor that has none: the program's PKRU is not the enclave's to give.
#include "libos/syscall/prototypes.h"

enum { NO_KEY = -1, RIGHTS = 3 };

long sys_pkey_alloc(u64 flags, u64 rights) { return flags || (rights & ~(u64)RIGHTS) ? -EINVAL : -ENOSPC; }
long sys_pkey_free(int key) { return -EINVAL; }

long sys_pkey_mprotect(u64 addr, u64 len, u64 prot, int key)
{
    return key == NO_KEY ? sys_mprotect(addr, len, prot) : -EINVAL;
}
