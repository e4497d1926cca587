// SPDX-License-Identifier: BSD-3-Clause
// Where programs come in and go back. A rewritten `syscall` arrives here by a jump with the registers of the system
// call ABI: RAX number, RDI RSI RDX R10 R8 R9 arguments, RCX the address behind the instruction; RSP is the program's
// and nothing has been pushed. Vector registers stay the program's throughout: the LibOS is built without them.

#include "trusted/tls.h"

#define R8_ 0
#define R9_ 8
#define R10_ 16
#define R11_ 24
#define R12_ 32
#define R13_ 40
#define R14_ 48
#define R15_ 56
#define RDI_ 64
#define RSI_ 72
#define RBP_ 80
#define RBX_ 88
#define RDX_ 96
#define RAX_ 104
#define RCX_ 112
#define RSP_ 120
#define RIP_ 128
#define RFLAGS_ 136
#define ORIG_RAX_ 144
#define FULL_RESTORE_ 152

#define FLAGS_UNWANTED 0x44500 // AC, NT, DF, TF

.text
.globl gate_entry
gate_entry:
    mov %rsp, %gs:TLS_USER_RSP
    mov %gs:TLS_STACK_TOP, %rsp
    pushq $0                            // full_restore
    push %rax                           // orig_rax
    pushfq
    push %rcx                           // rip
    pushq %gs:TLS_USER_RSP
    push %rcx
    push %rax
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    testl $FLAGS_UNWANTED, RFLAGS_(%rsp)
    jnz 2f
1:  mov %rsp, %rdi
    xor %ebp, %ebp
    call syscall_dispatch
    jmp gate_return
2:  movq $1, FULL_RESTORE_(%rsp)        // they come back with the other flags
    pushq $0x202
    popfq
    jmp 1b

// Back to the program with the registers at RSP. An interrupt that arrives between the look at `pending` and the last
// jump would go unnoticed: stage 1 of exceptions sends such a thread back to gate_return (the window is gate_return ..
// gate_return_end).
.globl gate_return
gate_return:
    cmpl $0, %gs:TLS_PENDING
    jne gate_pending
.globl gate_return_unchecked
gate_return_unchecked:
    cmpq $0, FULL_RESTORE_(%rsp)
    jne gate_return_full
    mov R8_(%rsp), %r8
    mov R9_(%rsp), %r9
    mov R10_(%rsp), %r10
    mov RFLAGS_(%rsp), %r11
    mov RDI_(%rsp), %rdi
    mov RSI_(%rsp), %rsi
    mov RDX_(%rsp), %rdx
    mov RAX_(%rsp), %rax
    mov RIP_(%rsp), %rcx
    mov RBP_(%rsp), %rbp
    mov RSP_(%rsp), %rsp
.globl gate_jump
gate_jump:
    jmp *%rcx

gate_return_full:
    mov RIP_(%rsp), %rax
    mov %rax, %gs:TLS_USER_RIP
    pushq RFLAGS_(%rsp)
    popfq
    mov R8_(%rsp), %r8
    mov R9_(%rsp), %r9
    mov R10_(%rsp), %r10
    mov R11_(%rsp), %r11
    mov R12_(%rsp), %r12
    mov R13_(%rsp), %r13
    mov R14_(%rsp), %r14
    mov R15_(%rsp), %r15
    mov RDI_(%rsp), %rdi
    mov RSI_(%rsp), %rsi
    mov RBP_(%rsp), %rbp
    mov RBX_(%rsp), %rbx
    mov RDX_(%rsp), %rdx
    mov RAX_(%rsp), %rax
    mov RCX_(%rsp), %rcx
    mov RSP_(%rsp), %rsp
.globl gate_jump_full
gate_jump_full:
    jmp *%gs:TLS_USER_RIP
.globl gate_return_end
gate_return_end:

gate_pending:
    mov %rsp, %rdi
    call gate_run_pending               // sets full_restore when it changes registers
    test %eax, %eax
    jz gate_return
    jmp gate_return_unchecked

// Stage 2 of an exception of the program: RSP = its registers, saved by stage 1.
.globl exception_stage2_entry
exception_stage2_entry:
    mov %rsp, %rdi
    xor %ebp, %ebp
    call exception_stage2
    test %eax, %eax
    jz gate_return
    jmp gate_return_unchecked

// _Noreturn void thread_return_to_user(struct user_regs *regs): regs is the thread's own, at the top of its stack.
.globl thread_return_to_user
thread_return_to_user:
    mov %rdi, %rsp
    xor %ebp, %ebp
    jmp gate_return

.section .note.GNU-stack, "", @progbits
