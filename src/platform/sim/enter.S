// SPDX-License-Identifier: BSD-3-Clause
// EENTER and EEXIT of the simulation.

// void sim_enter(struct sim_entry *entry): see sim.h for the structure.
#define ENTRY_OENTRY 0
#define ENTRY_TCS 8
#define ENTRY_CSSA 16
#define ENTRY_CODE 24
#define ENTRY_ARG 32
#define ENTRY_ARENA 40
#define ENTRY_ARENA_SIZE 48
#define ENTRY_REASON 56
#define ENTRY_VALUE 64

.text
.globl sim_enter
.type sim_enter, @function
sim_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov ENTRY_OENTRY(%rdi), %r11
    mov ENTRY_TCS(%rdi), %rbx
    mov ENTRY_CSSA(%rdi), %rax
    mov ENTRY_ARG(%rdi), %rsi
    mov ENTRY_ARENA(%rdi), %rdx
    mov ENTRY_ARENA_SIZE(%rdi), %r8
    mov ENTRY_CODE(%rdi), %rdi
    lea 1f(%rip), %rcx
    jmp *%r11
    // The enclave's EEXIT: RSP is ours again, RDI and RSI carry the message.
1:  pop %rax
    mov %rdi, ENTRY_REASON(%rax)
    mov %rsi, ENTRY_VALUE(%rax)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret
.size sim_enter, .-sim_enter

.section .note.GNU-stack, "", @progbits
