// SPDX-License-Identifier: BSD-3-Clause
// EENTER and EEXIT of the simulation, and the way a host signal reaches C code while %fs is the program's.

// void sim_enter(struct sim_entry *entry): see sim.h for the structure.
#define ENTRY_TLS 0
#define ENTRY_OENTRY 8
#define ENTRY_TCS 16
#define ENTRY_CSSA 24
#define ENTRY_CODE 32
#define ENTRY_ARG 40
#define ENTRY_ARENA 48
#define ENTRY_ARENA_SIZE 56
#define ENTRY_REASON 64
#define ENTRY_VALUE 72

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
    rdfsbase %rax
    push %rax
    push %rdi
    mov ENTRY_TLS(%rdi), %rax
    wrgsbase %rax
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
    pop %rcx
    wrfsbase %rcx
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

// Signal handler on the thread's alternate stack, which is SIM_STACK_SIZE aligned and begins with the host's %fs base.
// The kernel neither saves nor restores %fs base for a signal: it is ours to put back.
#define SIM_STACK_SIZE 0x20000
.globl sim_signal_entry
.type sim_signal_entry, @function
sim_signal_entry:
    push %rbx
    rdfsbase %rbx
    mov %rsp, %rax
    and $-SIM_STACK_SIZE, %rax
    mov (%rax), %rax
    wrfsbase %rax
    cld
    call sim_signal
    wrfsbase %rbx
    pop %rbx
    ret
.size sim_signal_entry, .-sim_signal_entry

.section .note.GNU-stack, "", @progbits
