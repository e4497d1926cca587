// SPDX-License-Identifier: BSD-3-Clause
// Length decoder for 64-bit mode: legacy + REX, VEX, EVEX and XOP encodings (SDM vol. 2 chapter 2 and
// appendix A; AMD APM vol. 3 for XOP), with the few properties the finder asks for.
#pragma once

#include "base/types.h"

#define GATE_INSN_MAX 15

enum gate_insn_class {
    INSN_BAD,   // not an instruction, or cut off by the end of the bytes
    INSN_PLAIN, // runs on to the next instruction
    INSN_NOP,   // a no-operation as used for padding
    INSN_INT3,
    INSN_SYSCALL,
    INSN_JCC,  // conditional branch, also loop, jrcxz and xbegin; has a target
    INSN_JMP,  // unconditional direct jump; has a target
    INSN_CALL, // direct call; has a target
    INSN_JMP_INDIRECT,
    INSN_CALL_INDIRECT,
    INSN_RET,   // ret, iret, sysret
    INSN_STOP,  // ud2, hlt: never runs on
    INSN_OTHER, // runs on, but must not be moved: int n, far transfers, sysenter
};

// Bits of gate_insn.flags.
#define INSN_RIP_RELATIVE 0x01 // `disp` is a RIP-relative displacement at `disp_at`
#define INSN_WRITES_AX 0x02    // sets all of eax or rax without regard to its old value
#define INSN_CMP_ERRNO 0x04    // cmp $-4096..-1, %eax or %rax
#define INSN_MOV_AX_DI 0x08    // mov %rax, %rdi
#define INSN_LEA 0x10          // lea
#define INSN_IMM32 0x20        // `value` is a 32-bit immediate that may be an address
#define INSN_ENDBR 0x40        // endbr64

struct gate_insn {
    u8 size; // bytes; 1 for INSN_BAD
    u8 kind; // enum gate_insn_class
    u8 flags;
    u8 disp_at; // offset of the 4 bytes of disp32 when INSN_RIP_RELATIVE
    s32 disp;
    s32 value; // branch displacement from the next instruction, or immediate
};

// Decodes the instruction at `code`, reading at most `size` bytes (and at most 15).
void gate_decode(const u8 *code, size_t size, struct gate_insn *ret);
