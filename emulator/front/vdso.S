// SPDX-License-Identifier: BSD-3-Clause
// The emulator's own vDSO, mapped into every traced program. The time calls are forwarded to the kernel's
// vDSO through sgx2emu_forward, which the supervisor fills in. The entry function follows the ABI stated in
// Linux's <asm/sgx.h>: void-free C signature (rdi, rsi, rdx, function, r8, r9, struct sgx_enclave_run *).
.set RUN_TCS, 0
.set RUN_FUNCTION, 8
.set RUN_VECTOR, 12
.set RUN_ERROR, 14
.set RUN_ADDR, 16
.set RUN_HANDLER, 24
.set RUN_RESERVED, 40
.set RUN_SIZE, 256

.text
.macro forward name, slot
.globl __vdso_\name
.type __vdso_\name, @function
.globl \name
.type \name, @function
__vdso_\name:
\name:
    jmp *.Lforward+8*\slot(%rip)
.size __vdso_\name, . - __vdso_\name
.size \name, . - \name
.endm
forward clock_gettime 0
forward gettimeofday 1
forward time 2
forward getcpu 3
forward clock_getres 4

.globl __vdso_sgx_enter_enclave
.type __vdso_sgx_enter_enclave, @function
__vdso_sgx_enter_enclave:
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    push %rbx
    .cfi_offset %rbx, -24
    mov %ecx, %eax
again:
    lea -2(%rax), %ecx              // EENTER is 2, ERESUME is 3
    cmp $1, %ecx
    ja invalid
    mov 16(%rbp), %rcx
    mov $RUN_RESERVED, %ebx
check_reserved:
    cmpq $0, (%rcx,%rbx)
    jne invalid
    add $8, %ebx
    cmp $RUN_SIZE, %ebx
    jb check_reserved
    mov RUN_TCS(%rcx), %rbx
    lea .Lenclu(%rip), %rcx
.globl sgx2emu_enclu
sgx2emu_enclu:
.Lenclu:
    .byte 0xcc, 0x01, 0xd7          // ENCLU with INT3 in it: entry, and the AEP: ERESUME after an AEX
    mov 16(%rbp), %rbx
    movl $4, RUN_FUNCTION(%rbx)     // EEXIT
left:
    cmpq $0, RUN_HANDLER(%rbx)
    jne call_handler
    xor %eax, %eax
out:
    mov -8(%rbp), %rbx
    leave
    .cfi_remember_state
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_restore_state
invalid:
    mov $-22, %eax
    jmp out
.globl sgx2emu_fixup
sgx2emu_fixup:
    mov 16(%rbp), %rbx
    mov %eax, RUN_FUNCTION(%rbx)
    mov %di, RUN_VECTOR(%rbx)
    mov %si, RUN_ERROR(%rbx)
    mov %rdx, RUN_ADDR(%rbx)
    jmp left
call_handler:                       // (rdi, rsi, rdx as the enclave left them, untrusted rsp, r8, r9, run)
    mov %rsp, %rcx
    mov RUN_HANDLER(%rbx), %rax
    sub $24, %rsp                   // room for the saved rsp and the argument on an aligned stack
    and $-16, %rsp
    mov %rbx, (%rsp)
    mov %rcx, 8(%rsp)
    mov %rcx, %rbx                  // callee-saved: survives the handler
    cld
    lfence
    call *%rax
    mov %rbx, %rsp
    test %eax, %eax
    jle out
    jmp again
    .cfi_endproc
.size __vdso_sgx_enter_enclave, . - __vdso_sgx_enter_enclave

.globl sgx2emu_syscall
sgx2emu_syscall:
    syscall
    hlt

.balign 8
.globl sgx2emu_forward
sgx2emu_forward:
.Lforward:
    .fill 5, 8, 0
.globl sgx2emu_null
sgx2emu_null:
    .asciz "/dev/null"
.globl sgx2emu_name
sgx2emu_name:
    .asciz "sgx_enclave"
.section .note.GNU-stack,"",@progbits
