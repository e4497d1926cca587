// SPDX-License-Identifier: BSD-3-Clause
// The enclave of enclave.c, one page of code. RDI says what to do; the answer is in RDX.
.section .rodata
.balign 4096
.globl enclave_code
enclave_code:
    mov %rcx, %r12
    cmp $1, %rdi
    je accept
    cmp $2, %rdi
    je spin
    cmp $3, %rdi
    je store
    cmp $4, %rdi
    je gs_base
    cmp $5, %rdi
    je accept_run
    mov (%rsi), %rdx
    jmp leave
accept:
    mov %rsi, %rbx
    mov %rdx, %rcx
    mov $5, %eax
    .byte 0x0f, 0x01, 0xd7
    mov %rax, %rdx
    jmp leave
accept_run: // 1024 pages from rdx on; the answer is how many
    mov %rdx, %r8
    xor %r9d, %r9d
1:  mov %rsi, %rbx
    mov %r8, %rcx
    mov $5, %eax
    .byte 0x0f, 0x01, 0xd7
    test %eax, %eax
    jne 2f
    add $4096, %r8
    inc %r9d
    cmp $1024, %r9d
    jb 1b
2:  mov %r9, %rdx
    jmp leave
spin:
    movabs $0x1122334455667788, %r13
    movq %r13, %xmm5
    xor %r13d, %r13d
1:  pause
    cmpl $0, (%rsi)
    je 1b
    movq %xmm5, %rdx
    jmp leave
store:
    mov %rdx, (%rsi)
    jmp leave
gs_base:
    rdgsbase %r13
    wrgsbase %rsi
    mov %gs:0, %rdx
    jmp leave
leave:
    mov %r12, %rbx
    mov $4, %eax
    .byte 0x0f, 0x01, 0xd7
.balign 4096
.section .note.GNU-stack,"",@progbits
