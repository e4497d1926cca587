// SPDX-License-Identifier: BSD-3-Clause
// The machine under the vm, for tests: an emm over mmap'ed memory of the host, with every call counted and checked
// against a page-state map of its own. Implemented with libc, so that tests may include the LibOS's headers.
#pragma once

#include "trusted/emm.h"
#include "trusted/layout.h"

#define FAKE_USER_START 0x500000000000ul
#define FAKE_USER_SIZE MIB(64)
#define FAKE_HEAP_SIZE MIB(24)
#define FAKE_HEAP_INIT MIB(4) // with lazy_anon; otherwise all of it

// Sets enclave_layout up, with fresh memory, and starts heap and vm. limit: bytes of user memory.
void fake_boot(u64 limit, bool faults, bool lazy_anon);
// What the emm map says of a page: -1 inaccessible, else EMM_* bits.
int fake_prot(u64 addr);
u64 fake_heap_pages(void);           // of the kernel heap, there
u64 fake_usable_pages(void);         // with contents, whatever their protection
void fake_fail_emm_after(int calls); // the emm returns -ENOMEM from then on; -1: never
extern u64 fake_emm_violations;      // calls outside user space, or protection of pages without contents
// Access as the program would do it: through the emm map, then the host's memory. -1: fault.
int fake_read(u64 addr);
int fake_write(u64 addr, u8 value);
