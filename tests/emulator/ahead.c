// SPDX-License-Identifier: BSD-3-Clause
// The front end's interpreter against the CPU: random instructions of the kinds it knows, then a function with calls,
// stack and string stores. Registers, flags and memory must be equal. TAP.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "front/cpu/ahead.h"

enum { ROUNDS = 400000, MEMORY = 4096, AT = 2048, DEFINED = 0x8d5 };

struct machine { // asm below knows the offsets
    u64 gpr[16], rflags;
};
struct machine native_machine;
void *native_code;
void native_run(void);
__asm__(".globl native_run\n"
        "native_run:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "lea native_machine(%rip), %rax\n"
        "push 128(%rax); popf\n"
        "mov 8(%rax), %rcx; mov 16(%rax), %rdx; mov 24(%rax), %rbx; mov 40(%rax), %rbp; mov 48(%rax), %rsi; mov "
        "56(%rax), %rdi\n"
        "mov 64(%rax), %r8; mov 72(%rax), %r9; mov 80(%rax), %r10; mov 88(%rax), %r11\n"
        "mov 96(%rax), %r12; mov 104(%rax), %r13; mov 112(%rax), %r14; mov 120(%rax), %r15; mov (%rax), %rax\n"
        "call *native_code(%rip)\n"
        "push %rax; pushf; lea native_machine(%rip), %rax; pop 128(%rax); pop (%rax)\n"
        "mov %rcx, 8(%rax); mov %rdx, 16(%rax); mov %rbx, 24(%rax); mov %rbp, 40(%rax); mov %rsi, 48(%rax); mov %rdi, "
        "56(%rax)\n"
        "mov %r8, 64(%rax); mov %r9, 72(%rax); mov %r10, 80(%rax); mov %r11, 88(%rax)\n"
        "mov %r12, 96(%rax); mov %r13, 104(%rax); mov %r14, 112(%rax); mov %r15, 120(%rax)\n"
        "cld; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

// A function as compilers make them. rdi: 64 bytes to clear, rsi: a count.
extern const u8 sample[], sample_end[];
__asm__(
    ".pushsection .rodata\n.globl sample\nsample:\n"
    "endbr64; push %rbp; mov %rsp, %rbp; push %r12; push %rbx; sub $0x20, %rsp; xor %ebx, %ebx\n"
    "1: mov %rdi, %r12; mov $7, %ecx; lea (%rbx,%rbx,4), %rax; mov %rax, -0x28(%rbp); rep stosq; mov %r12, %rdi\n"
    "call 2f; add -0x28(%rbp), %rdx; cmp $3, %rbx; cmova %rbx, %r8; setbe %r9b; movzbl %r9b, %r10d; movslq %ebx, %r11\n"
    "nopl 0x0(%rax,%rax,1); inc %rbx; cmp %rsi, %rbx; jb 1b\n"
    "mov $4f-3f, %eax; lea 3f(%rip), %rcx; add %rcx, %rax; jmp *%rax\n"
    "3: mov $0x55, %edx\n"
    "4: add $0x20, %rsp; cmp %edx, %eax; pop %rbx; pop %r12; pop %rbp; ret\n"
    "2: push %rbx; neg %rbx; mov %rbx, %rdx; not %dl; shl $12, %rdx; sar $3, %edx; pop %rbx; xchg %rdx, %r13; mov "
    "%r13, %rdx; ret\n"
    ".globl sample_end\nsample_end:\n.popsection\n");

static u8 *code_page, memory_native[MEMORY], memory_ahead[MEMORY];
static u64 seed = 0x2545f4914f6cdd1dull;
static u64 draw(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}

// Both run on the same addresses: the interpreter's memory() translates.
static u8 *translate(void *context, u64 address, size_t size, bool write)
{
    u64 offset = address - (u64)(uintptr_t)memory_native;
    (void)context, (void)write;
    return offset < MEMORY && size <= MEMORY - offset ? memory_ahead + offset : NULL;
}
static const u8 *fetch(void *context, u64 address, size_t *ret_size)
{
    (void)context;
    *ret_size = 15;
    return (const u8 *)(uintptr_t)address; // NOLINT
}

static size_t random_instruction(u8 *p)
{
    static const u8 modrm_only[] = { 0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x18,
                                     0x19, 0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x28, 0x29, 0x2a, 0x2b, 0x30, 0x31,
                                     0x32, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x63, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                                     0x8a, 0x8b, 0x8d, 0xd0, 0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff };
    static const u8 with_imm8[] = { 0x80, 0x83, 0xc0, 0xc1, 0xc6 };
    u8 *start = p;
    if (draw() % 5 == 0)
        *p++ = 0x66;
    if (draw() % 4)
        *p++ = (u8)(0x40 | (draw() & 0xd)); // REX without X; B only where rm is a register
    u8 *rex = p > start && (p[-1] & 0xf0) == 0x40 ? p - 1 : NULL;
    u32 kind = (u32)(draw() % 8), imm = 0;
    bool two_bytes = kind > 5;
    if (kind < 4) {
        *p++ = modrm_only[draw() % sizeof(modrm_only)];
    } else if (kind == 4) {
        *p++ = with_imm8[draw() % sizeof(with_imm8)];
        imm = 1;
    } else if (kind == 5) {
        *p++ = draw() % 2 ? 0x81 : 0xc7;
        imm = rex && (*rex & 8) ? 4 : start[0] == 0x66 ? 2 : 4;
    } else {
        static const u8 second[] = { 0x40, 0x90, 0xb6, 0xb7, 0xbe, 0xbf };
        u8 s = second[draw() % sizeof(second)];
        *p++ = 0x0f;
        *p++ = (u8)(s + (s < 0xb0 ? draw() % 16 : 0));
    }
    u8 op = p[-1], reg = (u8)(draw() % 8), rm = (u8)(draw() % 8);
    if (op == 0xf6 || op == 0xf7)
        imm = reg < 2 ? (op == 0xf6 ? 1 : rex && (*rex & 8) ? 4 : start[0] == 0x66 ? 2 : 4) : 0;
    if ((op == 0xff || op == 0xfe) && p - start < 4 && reg > 1 && (kind < 4))
        reg = (u8)(draw() % 2); // INC and DEC only: no jumps
    // 4 means RSP, which is the harness's, or AH.
    bool byte_reg = !rex && !two_bytes && !(op & 1),
         byte_rm = byte_reg || (!rex && two_bytes && (op == 0xb6 || op == 0xbe || op < 0xa0) && op >= 0x90);
    bool is_opcode = op >= 0xc0 || op == 0x80 || op == 0x81 || op == 0x83;
    if (reg == 4 && !(rex && (*rex & 4)) && !byte_reg && (two_bytes || !is_opcode))
        reg = 5;
    if (draw() % 2) {
        if (rex)
            *rex &= (u8)~1u;
        *p++ = (u8)(0x40 | reg << 3 | 7); // disp8(%rdi)
        *p++ = (u8)draw();
    } else {
        if (rm == 4 && !(rex && (*rex & 1)) && !byte_rm)
            rm = 5;
        *p++ = (u8)(0xc0 | reg << 3 | rm);
    }
    for (u32 i = 0; i < imm; i++)
        *p++ = (u8)draw();
    *p++ = 0xc3;
    return (size_t)(p - start);
}

static bool same(const struct ahead *a)
{
    for (u32 i = 0; i < 16; i++)
        if (i != 4 && a->gpr[i] != native_machine.gpr[i])
            return false;
    return !((a->rflags ^ native_machine.rflags) & DEFINED) && !memcmp(memory_native, memory_ahead, MEMORY);
}

static struct ahead begin(void)
{
    struct ahead a = { .memory = translate, .code = fetch, .rflags = 0x202 | (draw() & DEFINED) };
    for (u32 i = 0; i < 16; i++)
        a.gpr[i] = draw() % 3 ? draw() : draw() % 5;
    a.gpr[7] = (u64)(uintptr_t)memory_native + AT;
    for (u32 i = AT - 256; i < AT + 256; i++)
        memory_native[i] = memory_ahead[i] = (u8)draw();
    memcpy(native_machine.gpr, a.gpr, sizeof(a.gpr));
    native_machine.rflags = a.rflags;
    a.rip = (u64)(uintptr_t)code_page;
    native_code = code_page;
    return a;
}

int main(void)
{
    code_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code_page == MAP_FAILED)
        return 1;
    u32 known = 0, wrong = 0;
    for (u32 i = 0; i < ROUNDS && !wrong; i++) {
        size_t length = random_instruction(code_page);
        struct ahead a = begin();
        if (!ahead_step(&a))
            continue;
        if (a.rip != (u64)(uintptr_t)code_page + length - 1) { // an immediate shorter than was thought
            memcpy(memory_ahead, memory_native, MEMORY);
            continue;
        }
        native_run();
        known++;
        if (!same(&a)) {
            wrong++;
            printf("# differs:");
            for (size_t k = 0; k < length; k++)
                printf(" %02x", code_page[k]);
            printf(" flags %lx native %lx\n", a.rflags & DEFINED, native_machine.rflags & DEFINED);
        }
    }
    printf("# %u instructions compared\n", known);
    printf("%sok 1 - random instructions\n", wrong || known < ROUNDS / 4 ? "not " : "");
    int failed = wrong || known < ROUNDS / 4;

    struct ahead a = begin();
    memcpy(code_page, sample, (size_t)(sample_end - sample));
    a.gpr[6] = native_machine.gpr[6] = 9;
    a.gpr[4] = (u64)(uintptr_t)memory_native + 1024;
    u64 home = 0x1234;
    memcpy(memory_ahead + 1024, &home, 8);
    u32 steps = 0;
    while (a.rip != home && ahead_step(&a))
        steps++;
    native_run();
    memcpy(memory_ahead, memory_native, AT - 256); // the stack
    bool equal = a.rip == home && steps > 200 && same(&a) && a.gpr[4] == (u64)(uintptr_t)memory_native + 1032;
    printf("%sok 2 - a function of %u steps\n", equal ? "" : "not ", steps);

    memcpy(code_page, "\xf0\x48\x01\x07", 4); // lock add: not known
    a = begin();
    struct ahead before = a;
    bool refused = !ahead_step(&a) && !memcmp(&a, &before, sizeof(a));
    memcpy(code_page, "\x48\x01\x07", 3);
    a = begin();
    a.gpr[7] = 0;
    before = a;
    refused &= !ahead_step(&a) && !memcmp(&a, &before, sizeof(a));
    printf("%sok 3 - what is not known changes nothing\n1..3\n", refused ? "" : "not ");
    return failed || !equal || !refused;
}
