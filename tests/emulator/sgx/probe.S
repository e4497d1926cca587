// SPDX-License-Identifier: BSD-3-Clause
// The enclave of the test programs: one page of code that does what its caller asks (loader.h: enum probe_op).
// In: RDI operation, RSI and RDX its operands, R9 one more, R8 where the 8-byte result goes (outside). GS is the
// thread's page: slots of 0x100 bytes for each CSSA, the state that OP_STATE finds at 0x200, a stack at the end.
#include "probe.h"

.macro enclu
    .byte 0x0f, 0x01, 0xd7
.endm

.section .rodata
.balign 4096
.globl probe_code
probe_code:
    shl $8, %rax
    mov %rcx, %gs:0(%rax)
    mov %rsp, %gs:8(%rax)
    mov %rbp, %gs:16(%rax)
    mov %r12, %gs:24(%rax)
    mov %r13, %gs:32(%rax)
    mov %r14, %gs:40(%rax)
    mov %r15, %gs:48(%rax)
    mov %r8, %gs:56(%rax)
    mov %rax, %r12
    rdgsbase %rsp
    lea 0x1000(%rsp), %rsp
    shl $2, %rax
    sub %rax, %rsp
    cmp $OP_LAST, %rdi
    ja fail
    lea operations(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rcx, %rax
    jmp *%rax
.balign 4
operations:
    .long op_load - operations, op_store - operations, op_copy - operations, op_enclu - operations
    .long op_spin - operations, op_state - operations, op_add - operations, op_call - operations
    .long op_fault - operations, op_nested - operations

fail:
    mov $-1, %rdx
leave:                                  // RDX: the result
    mov %gs:56(%r12), %r8
    test %r8, %r8
    jz 1f
    mov %rdx, (%r8)
1:  mov %gs:0(%r12), %rbx
    mov %gs:8(%r12), %rsp
    mov %gs:16(%r12), %rbp
    mov %gs:32(%r12), %r13
    mov %gs:40(%r12), %r14
    mov %gs:48(%r12), %r15
    mov %gs:24(%r12), %r12
    mov $4, %eax
    enclu

op_load:
    mov (%rsi), %rdx
    jmp leave
op_store:
    mov %rdx, (%rsi)
    jmp leave
op_copy:                                // R9 bytes from RDX to RSI
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %r9, %rcx
    rep movsb
    xor %edx, %edx
    jmp leave
op_enclu:                               // RSI: RAX RBX RCX RDX; the result: RAX, with ZF in bit 32 and CF in bit 33
    mov 0(%rsi), %rax
    mov 8(%rsi), %rbx
    mov 16(%rsi), %rcx
    mov 24(%rsi), %rdx
    enclu
    setz %cl
    setc %bl
    movzbl %cl, %ecx
    movzbl %bl, %ebx
    shl $32, %rcx
    shl $33, %rbx
    mov %rax, %rdx
    or %rcx, %rdx
    or %rbx, %rdx
    jmp leave
op_spin:                                // RDX (if not 0) is set to 1, then until RSI is not 0
    test %rdx, %rdx
    jz 1f
    movl $1, (%rdx)
1:  pause
    cmpl $0, (%rsi)
    je 1b
    mov (%rsi), %edx
    jmp leave
op_add:                                 // what was at RSI before RDX was added
    lock xadd %rdx, (%rsi)
    jmp leave
op_call:
    call *%rsi
    mov %rax, %rdx
    jmp leave
.globl probe_nested
probe_nested:
op_nested:                              // EENTER from inside
    mov $2, %eax
    lea 1f(%rip), %rcx
    enclu
1:  jmp fail

op_fault:
    lea faults(%rip), %rax
    movslq (%rax,%rsi,4), %rcx
    add %rcx, %rax
    jmp *%rax
.balign 4
faults:
    .long event_none - faults, event_spin - faults, fault_ud - faults, fault_bp - faults
    .long fault_de - faults, fault_gp - faults, fault_pf - faults, fault_syscall - faults
fault_ud:
    ud2
fault_bp:
    int3
fault_de:
    xor %ecx, %ecx
    div %rcx
fault_gp:
    movabs $0x8000000000000000, %rcx
    mov (%rcx), %rcx
fault_pf:
    mov %rdx, (%rdx)
fault_syscall:
    mov $39, %eax
    syscall
    jmp fail

// RSI: 16 registers and RFLAGS (struct probe_state), R9: an XSAVE image. RDX: the event that then happens.
op_state:
    mov %rdx, %rcx
    lea events(%rip), %rax
    movslq (%rax,%rcx,4), %rcx
    add %rcx, %rax
    mov %rax, %gs:0x310
    mov STATE_FLAG(%rsi), %rax
    mov %rax, %gs:0x308
    mov $-1, %eax
    mov %eax, %edx
    xrstor64 (%r9)
    pushq 128(%rsi)
    popfq
    mov 0(%rsi), %rax
    mov 8(%rsi), %rcx
    mov 16(%rsi), %rdx
    mov 24(%rsi), %rbx
    mov 32(%rsi), %rsp
    mov 40(%rsi), %rbp
    mov 56(%rsi), %rdi
    mov 64(%rsi), %r8
    mov 72(%rsi), %r9
    mov 80(%rsi), %r10
    mov 88(%rsi), %r11
    mov 96(%rsi), %r12
    mov 104(%rsi), %r13
    mov 112(%rsi), %r14
    mov 120(%rsi), %r15
    mov 48(%rsi), %rsi
    jmp *%gs:0x310
.balign 4
events:
    .long event_none - events, event_spin - events, event_ud - events, event_bp - events
    .long event_de - events, event_gp - events, event_pf - events, event_none - events
event_spin:                             // RCX is the loop's: nothing else tests without flags
    pause
    mov %gs:0x308, %rcx
    mov (%rcx), %ecx
    jrcxz event_spin
    jmp event_none
event_ud:
    ud2
event_bp:
    int3
event_de:
    divl %gs:0x320                      // by zero
event_gp:
    mov %rax, (%r15)                    // not canonical
event_pf:
    movl $7, %gs:0x2000                 // THREAD_FAULT
.globl probe_event_done
probe_event_done:
event_none:
    mov %rax, %gs:0x200
    mov %rcx, %gs:0x208
    mov %rdx, %gs:0x210
    mov %rbx, %gs:0x218
    mov %rsp, %gs:0x220
    mov %rbp, %gs:0x228
    mov %rsi, %gs:0x230
    mov %rdi, %gs:0x238
    mov %r8, %gs:0x240
    mov %r9, %gs:0x248
    mov %r10, %gs:0x250
    mov %r11, %gs:0x258
    mov %r12, %gs:0x260
    mov %r13, %gs:0x268
    mov %r14, %gs:0x270
    mov %r15, %gs:0x278
    rdgsbase %rsp
    lea 0x1000(%rsp), %rsp
    pushfq
    popq %gs:0x280
    cld
    mov $-1, %eax
    mov %eax, %edx
    xsave64 (%rsp)                      // THREAD_XSAVE follows the thread's page
    movl $0x1f80, %gs:0x330
    ldmxcsr %gs:0x330
    fninit
    xor %r12d, %r12d
    xor %edx, %edx
    jmp leave
// Where a handler sends an interrupted call that is given up: out to the stack and address that RDI points to.
.globl probe_unwind
probe_unwind:
    cld
    movl $0x1f80, %gs:0x330
    ldmxcsr %gs:0x330
    fninit
    mov 0(%rdi), %rsp
    mov 8(%rdi), %rbx
    mov $4, %eax
    enclu
.balign 4096

.text
// int sgx_call(op, a, b, leaf, r8, r9, run, vdso): __vdso_sgx_enter_enclave keeps RBX, RBP and RSP only.
.globl sgx_call
.type sgx_call, @function
sgx_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov 64(%rsp), %rax
    sub $8, %rsp
    push 64(%rsp)
    call *%rax
    add $16, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

// void sgx_enter_raw(op, a, b, tcs, r8, r9, aep): EENTER without the vDSO.
.globl sgx_enter_raw, sgx_raw_enclu, sgx_raw_failed, sgx_raw_aep, sgx_capture_aep
.type sgx_enter_raw, @function
sgx_enter_raw:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rcx, %rbx
    mov 56(%rsp), %rcx
    mov $RBP_OUTSIDE, %rbp
    mov %rsp, sgx_raw_rsp(%rip)
    mov $2, %eax
sgx_raw_enclu:
    enclu
sgx_raw_failed:
    cld
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
sgx_raw_aep:
    enclu

// void sgx_resume_unwinding(tcs, u64 out[2]): ERESUME of what will leave by probe_unwind with RDI = out. EENTER's stack
// is gone by then, so the enclave is told this one.
.globl sgx_resume_unwinding
.type sgx_resume_unwinding, @function
sgx_resume_unwinding:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, 0(%rsi)
    lea sgx_raw_failed(%rip), %rax
    mov %rax, 8(%rsi)
    mov %rdi, %rbx
    lea sgx_raw_aep(%rip), %rcx
    mov $3, %eax
    enclu

// The exit point of the state test: notes what software outside sees, fills every register with junk, resumes.
sgx_capture_aep:
    mov %rax, sgx_captured+0(%rip)
    mov %rcx, sgx_captured+8(%rip)
    mov %rdx, sgx_captured+16(%rip)
    mov %rbx, sgx_captured+24(%rip)
    mov %rsp, sgx_captured+32(%rip)
    mov %rbp, sgx_captured+40(%rip)
    mov %rsi, sgx_captured+48(%rip)
    mov %rdi, sgx_captured+56(%rip)
    mov %r8, sgx_captured+64(%rip)
    mov %r9, sgx_captured+72(%rip)
    mov %r10, sgx_captured+80(%rip)
    mov %r11, sgx_captured+88(%rip)
    mov %r12, sgx_captured+96(%rip)
    mov %r13, sgx_captured+104(%rip)
    mov %r14, sgx_captured+112(%rip)
    mov %r15, sgx_captured+120(%rip)
    pushfq
    popq sgx_captured+128(%rip)
    mov $-1, %eax
    mov %eax, %edx
    xsave64 sgx_captured_xsave(%rip)
    incq sgx_captures(%rip)
    xrstor64 sgx_junk_xsave(%rip)
    movabs $0x6a756e6b6a756e6b, %rdx
    mov %rdx, %rsi
    mov %rdx, %rdi
    mov %rdx, %r8
    mov %rdx, %r9
    mov %rdx, %r10
    mov %rdx, %r11
    mov %rdx, %r12
    mov %rdx, %r13
    mov %rdx, %r14
    mov %rdx, %r15
    add %rdx, %rdx                      // other flags
    lea sgx_capture_aep(%rip), %rcx
    mov $3, %eax
    enclu

.bss
.balign 64
.globl sgx_captured, sgx_captured_xsave, sgx_captures, sgx_junk_xsave, sgx_raw_rsp
sgx_captured: .skip 192
sgx_captured_xsave: .skip 4096
sgx_junk_xsave: .skip 4096
sgx_captures: .skip 8
sgx_raw_rsp: .skip 8
.section .note.GNU-stack,"",@progbits
