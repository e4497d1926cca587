// SPDX-License-Identifier: BSD-3-Clause
// The only instructions of the LibOS that touch program memory. A fault between usercopy_begin and usercopy_end
// continues at usercopy_fault (exception.c), where RCX and R8 tell how much is left.

.text
.globl usercopy_begin
usercopy_begin:

// size_t usercopy_raw(void *dst, const void *src, size_t n): bytes not copied.
.globl usercopy_raw
usercopy_raw:
    mov %rdx, %rcx
    rep movsb
    mov %rcx, %rax
    ret

// size_t hostcopy_raw(void *dst, const void __host *src, size_t units): 8-byte units not copied.
// What is outside may go, as a mapped file that shrinks.
.globl hostcopy_raw
hostcopy_raw:
    mov %rdx, %rcx
    rep movsq
    mov %rcx, %rax
    ret

// size_t userclear_raw(void *dst, size_t n): bytes not cleared.
.globl userclear_raw
userclear_raw:
    mov %rsi, %rcx
    xor %eax, %eax
    rep stosb
    mov %rcx, %rax
    ret

// long userstr_raw(char *dst, const char *src, size_t n): copies up to and including the NUL; the number of bytes
// copied (n without a NUL among them if the string is longer), or -1 - (bytes copied) after a fault.
.globl userstr_raw
userstr_raw:
    mov %rdx, %rcx
    xor %r8d, %r8d
1:  cmp %r8, %rdx
    je 2f
    movzbl (%rsi,%r8), %eax
    mov %al, (%rdi,%r8)
    inc %r8
    test %al, %al
    jnz 1b
2:  mov %r8, %rax
    ret

// bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault): futex words.
.globl usercmpxchg_raw
usercmpxchg_raw:
    xor %r9d, %r9d
    mov (%rsi), %eax
    lock cmpxchgl %edx, (%rdi)
    mov %eax, (%rsi)
    sete %al
    movzbl %al, %eax
    movl $0, (%rcx)
    ret
.globl usercopy_end
usercopy_end:

.globl usercopy_fault
usercopy_fault:
    mov %rcx, %rax
    ret
.globl userstr_fault
userstr_fault:
    mov %r8, %rax
    not %rax
    ret
.globl usercmpxchg_fault
usercmpxchg_fault:
    movl $1, (%rcx)
    xor %eax, %eax
    ret

.section .note.GNU-stack, "", @progbits
