// SPDX-License-Identifier: BSD-3-Clause
// The only door of the enclave. EENTER comes here with RAX = CSSA, RBX = TCS, RCX = where EEXIT goes back to (SDM
// 38.4 EENTER), %gs = tls page of the slot; everything else is the host's and not believed.
// In simulation the loader jumps here with the same registers, and leaving is a jump instead of EEXIT; %fs stays what
// the enclave made it. The byte enclave_simulated (from the measured layout) is the one difference.

#include "abi/occlum/entry.h"
#include "trusted/tls.h"

.section .text.entry, "ax"
.globl enclave_entry
enclave_entry:
    cld
    cmpb $0, enclave_dead(%rip)
    jne refuse
    cmp $0, %rax
    jne exception_entry

    cmp $ECALL_RETURN, %rdi
    je ocall_return

    // First entry of a slot: claim it before touching its stack.
    mov %rdi, %r9
    mov $SLOT_STARTING, %eax
    cmp $ECALL_THREAD, %rdi
    je 1f
    cmp $ECALL_START, %rdi
    jne refuse
    xor %eax, %eax                      // slot 0 is FREE until the one ECALL_START
    lock btsl $0, enclave_started(%rip)
    jc refuse
1:
    mov $SLOT_RUNNING, %r10d
    lock cmpxchgq %r10, %gs:TLS_STATE
    jne refuse
    mov %rsp, %gs:TLS_HOST_RSP
    mov %rbp, %gs:TLS_HOST_RBP
    mov %rcx, %gs:TLS_HOST_RETURN
    mov %gs:TLS_STACK_TOP, %rsp
    sub $USER_REGS_SIZE, %rsp           // room for the program's registers
    pushq $0x202                        // clear AC, NT, ID and the rest; interrupts stay on
    popfq
    mov %r9, %rdi                       // entry code; rsi: argument; rdx, rcx: arena and its size
    mov %r8, %rcx
    xor %ebp, %ebp
    call enclave_main
    ud2

// The answer to a host call: only for a slot that waits for one.
ocall_return:
    mov $SLOT_IN_OCALL, %eax
    mov $SLOT_RUNNING, %r10d
    lock cmpxchgq %r10, %gs:TLS_STATE
    jne refuse
    mov %rsp, %gs:TLS_HOST_RSP
    mov %rbp, %gs:TLS_HOST_RBP
    mov %rcx, %gs:TLS_HOST_RETURN
    mov %gs:TLS_OCALL_RSP, %rsp
    pushq $0x202
    popfq
    cmpb $0, enclave_simulated(%rip)    // simulation: a host call leaves the program's %fs alone
    jne 1f
    mov %gs:TLS_FS_BASE, %rax           // EENTER has loaded OFSBASE of the TCS
    wrfsbase %rax
1:  mov %rsi, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

// u64 enclave_ocall(void): leaves with EXIT_OCALL, returns what the host passes back. The caller has saved the
// vector state.
.globl enclave_ocall
enclave_ocall:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %gs:TLS_OCALL_RSP
    mov %gs:TLS_HOST_RETURN, %rbx
    mov %gs:TLS_HOST_RSP, %rsp
    mov %gs:TLS_HOST_RBP, %rbp
    movq $SLOT_IN_OCALL, %gs:TLS_STATE
    mov $EXIT_OCALL, %edi
    xor %esi, %esi
    jmp leave

// _Noreturn void enclave_exit(u64 reason, u64 value): leaves for good. For EXIT_THREAD the slot becomes free with the
// last store, after which nothing of it is used.
.globl enclave_exit
enclave_exit:
    mov %rdi, %r12
    mov %rsi, %r13
    and $-16, %rsp
    call vector_reset                   // no register of the program goes along
    mov %r12, %rdi
    mov %r13, %rsi
    mov %gs:TLS_HOST_RETURN, %rbx
    mov %gs:TLS_HOST_RSP, %rsp
    mov %gs:TLS_HOST_RBP, %rbp
    cmp $EXIT_THREAD, %rdi
    jne 1f
    movq $SLOT_FREE, %gs:TLS_STATE
1:  jmp leave

refuse:
    mov %rcx, %rbx
    mov $EXIT_REFUSED, %edi
    xor %esi, %esi
    jmp leave

// Stage 1 of an exception (CSSA = 1): decides from the SSA frame alone, on a stack of its own, whatever the
// interrupted code was doing with its stack. It never calls the host.
exception_entry:
    cmp $1, %rax
    jne refuse
    mov %rcx, %r12                      // callee-saved in C
    mov %rsp, %r13
    mov %rbp, %r14
    mov %gs:TLS_SELF, %rsp
    add $TLS_EXCEPTION_STACK, %rsp
    pushq $0x202
    popfq
    mov %rbx, %rdi
    xor %ebp, %ebp
    call exception_stage1
    mov %rax, %rdi                      // EXIT_RESUME, or EXIT_ABORT with its reason
    mov %rdx, %rsi
    mov %r12, %rbx
    mov %r13, %rsp
    mov %r14, %rbp

// RBX = where to, RSP and RBP = the host's (the vDSO finds its frame by RBP), RDI and RSI = the message. No other
// register leaves the enclave.
leave:
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    cmpb $0, enclave_simulated(%rip)
    jne 1f
    mov $4, %eax                        // EEXIT
    enclu
1:  jmp *%rbx

.section .note.GNU-stack, "", @progbits
