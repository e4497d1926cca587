// SPDX-License-Identifier: BSD-3-Clause
// ENCLU[EENTER] and ENCLU[ERESUME] from outside.

#define ENTRY_CODE 0
#define ENTRY_ARG 8
#define ENTRY_ARENA 16
#define ENTRY_ARENA_SIZE 24
#define ENTRY_LEAF 32
#define ENTRY_RUN 40
#define ENTRY_ENTER 48
#define ENTRY_REASON 56
#define ENTRY_VALUE 64
#define ENTRY_RESULT 72

#define RUN_TCS 0
#define RUN_FUNCTION 8

#define EEXIT 4

.text
// void sgx_enter(struct sgx_entry *entry)
.globl sgx_enter
.type sgx_enter, @function
sgx_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    sub $8, %rsp
    pushq ENTRY_RUN(%rdi)
    mov ENTRY_ENTER(%rdi), %rax
    mov ENTRY_ARG(%rdi), %rsi
    mov ENTRY_ARENA(%rdi), %rdx
    mov ENTRY_LEAF(%rdi), %rcx
    mov ENTRY_ARENA_SIZE(%rdi), %r8
    mov ENTRY_CODE(%rdi), %rdi
    xor %r9d, %r9d
    call *%rax
    add $16, %rsp
    pop %rcx
    mov %rdi, ENTRY_REASON(%rcx)
    mov %rsi, ENTRY_VALUE(%rcx)
    cltq
    mov %rax, ENTRY_RESULT(%rcx)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret
.size sgx_enter, .-sgx_enter

// RDI RSI RDX R8 R9: passed on. ECX: leaf. On the stack: struct sgx_enclave_run *.
.globl sgx_own_enter
.type sgx_own_enter, @function
sgx_own_enter:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    mov %ecx, %eax
    mov 16(%rbp), %rcx
    mov RUN_TCS(%rcx), %rbx
    lea sgx_own_aep(%rip), %rcx
.globl sgx_own_aep
sgx_own_aep:
    enclu                               // also ERESUME after an asynchronous exit
    mov $EEXIT, %eax
.globl sgx_own_exception
sgx_own_exception:                      // EAX: the leaf that ENCLU was, or would have been
    mov 16(%rbp), %rbx
    mov %eax, RUN_FUNCTION(%rbx)
    xor %eax, %eax
    pop %rbx
    leave
    ret
.size sgx_own_enter, .-sgx_own_enter

// u64 sgx_touch(u64 addr, u64 len)
.globl sgx_touch
.type sgx_touch, @function
sgx_touch:
    xor %eax, %eax
1:  cmp %rsi, %rax
    jae sgx_touch_failed
.globl sgx_touch_load
sgx_touch_load:
    movb (%rdi,%rax), %cl
    add $4096, %rax
    jmp 1b
.globl sgx_touch_failed
sgx_touch_failed:
    ret
.size sgx_touch, .-sgx_touch

.section .note.GNU-stack, "", @progbits
