// SPDX-License-Identifier: BSD-3-Clause
// Included before every source of the LibOS: %fs belongs to libc here, so what the LibOS writes into it for its
// programs goes nowhere.
#ifndef __ASSEMBLER__
__asm__(".macro wrfsbase reg\n.endm\n");
#endif
