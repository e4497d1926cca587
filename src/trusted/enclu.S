// SPDX-License-Identifier: BSD-3-Clause
// The ENCLU leaves that can meet a page the host took away, or has none to give: the fault becomes an error code.

.text
// u64 enclu_raw(u64 leaf, u64 rbx, u64 rcx, u64 rdx): RAX as the leaf leaves it; ENCLU_FAULT after a fault.
.globl enclu_raw
enclu_raw:
    push %rbx
    mov %rdi, %rax
    mov %rsi, %rbx
    xchg %rcx, %rdx                     // third argument to RCX, fourth to RDX
.globl enclu_instruction
enclu_instruction:
    enclu
    pop %rbx
    ret
.globl enclu_fault
enclu_fault:
    mov $-1, %rax
    pop %rbx
    ret

.section .note.GNU-stack, "", @progbits
