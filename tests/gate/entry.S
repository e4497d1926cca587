// SPDX-License-Identifier: BSD-3-Clause
// The gate of the live test: makes the real system call and returns to rcx. The stack below the red
// zone holds the return address, so that threads need nothing of their own.
// %gs:0 address of live_gate, %gs:8 calls made.
    .text
    .balign 256
    .globl live_gate, live_gate_end
live_gate:
    cmp $435, %eax              // clone3: not served, as in the LibOS; libc falls back to clone
    je 4f
    cmp $15, %eax               // rt_sigreturn: its frame is at the stack pointer, and it does not come back here
    je 5f
    cmp $58, %eax               // vfork returns twice on one stack: make it a fork
    jne 1f
    mov $57, %eax
1:  lock incq %gs:8
    cmp $56, %eax               // clone with a stack of its own
    jne 2f
    test %rsi, %rsi
    jnz 3f
2:  lea -136(%rsp), %rsp
    mov %rcx, (%rsp)
    syscall
    mov (%rsp), %rcx
    lea 136(%rsp), %rsp
    jmp *%rcx
3:  lea -136(%rsi), %rsi        // the child finds its return address at the same place of its stack
    mov %rcx, (%rsi)
    lea -136(%rsp), %rsp
    mov %rcx, (%rsp)
    syscall
    mov (%rsp), %rcx
    lea 136(%rsp), %rsp
    lea 136(%rsi), %rsi
    jmp *%rcx
4:  lock incq %gs:8
    mov $-38, %rax
    jmp *%rcx
5:  lock incq %gs:8
    syscall
live_gate_end:

// void live_start(u64 entry, u64 stack)
    .globl live_start
live_start:
    mov %rsi, %rsp
    xor %edx, %edx
    xor %ebp, %ebp
    jmp *%rdi

    .section .note.GNU-stack, "", @progbits
