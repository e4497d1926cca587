// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/straddle.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "gate/decode.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

enum {
    STORE_MAX = 64, // bytes of the widest store
    TRIES = 8,      // faults of one instruction before it is looked at
    GIVE_UP = 1000,
};

// A store, decoded as far as its bytes are concerned: where they go is known from the fault.
struct store {
    u32 bytes;
    enum { STORE_GENERAL, STORE_VALUE, STORE_VECTOR } kind;
    u32 reg;   // general or vector register
    u64 value; // STORE_VALUE
};

struct prefixes {
    bool operand16, rep, repne;
    u8 rex;
    size_t at; // of the opcode
};

static void take_prefixes(const u8 *code, struct prefixes *p)
{
    *p = (struct prefixes){ 0 };
    for (;; p->at++) {
        if (code[p->at] == 0x66)
            p->operand16 = true;
        else if (code[p->at] == 0xf3)
            p->rep = true;
        else if (code[p->at] == 0xf2)
            p->repne = true;
        else
            break;
    }
    if ((code[p->at] & 0xf0) == 0x40)
        p->rex = code[p->at++];
}

static u32 reg_of(u8 modrm) { return (modrm >> 3) & 7; }

// mov %reg, (mem); mov $imm, (mem). The immediate is the end of the instruction.
static bool general(const u8 *code, size_t size, const struct prefixes *p, struct store *s)
{
    u8 opcode = code[p->at];
    u32 wide = p->rex & 8 ? 8 : p->operand16 ? 2 : 4;
    if (opcode == 0x89) {
        *s = (struct store){ wide, STORE_GENERAL, reg_of(code[p->at + 1]) | (p->rex & 4 ? 8u : 0u), 0 };
        return true;
    }
    if (opcode != 0xc7 || reg_of(code[p->at + 1]) != 0)
        return false;
    u32 length = wide == 2 ? 2 : 4;
    s32 value = 0;
    memcpy(&value, code + size - length, length);
    *s = (struct store){ wide, STORE_VALUE, 0, (u64)(s64)value };
    return true;
}

// movups, movaps, movdqu, movdqa, movupd, movapd and the non-temporal ones to memory; movq and movlps move 8 bytes.
static bool vector_opcode(u8 opcode, bool scalar, u32 width, u32 *ret_bytes)
{
    *ret_bytes = width;
    switch (opcode) {
    case 0x11: // movss and movsd carry a scalar prefix and do not cross here as vectors
        return !scalar;
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xe7:
        return true;
    case 0x13:
    case 0x17:
    case 0xd6:
        *ret_bytes = 8;
        return opcode != 0x17; // movhps takes the upper half
    default:
        return false;
    }
}

static bool vector(const u8 *code, const struct prefixes *p, struct store *s)
{
    const u8 *c = code + p->at;
    s->kind = STORE_VECTOR;
    if (c[0] == 0x0f) {
        s->reg = reg_of(c[2]) | (p->rex & 4 ? 8u : 0u);
        if ((c[1] == 0x7f || c[1] == 0xe7 || c[1] == 0xd6) && !p->operand16 && !p->rep)
            return false; // of MMX
        return vector_opcode(c[1], c[1] == 0x11 && (p->rep || p->repne), 16, &s->bytes);
    }
    if (c[0] == 0xc5) { // VEX, two bytes: R vvvv L pp
        s->reg = reg_of(c[3]) | (c[1] & 0x80 ? 0u : 8u);
        return vector_opcode(c[2], c[2] == 0x11 && (c[1] & 2), c[1] & 4 ? 32 : 16, &s->bytes);
    }
    if (c[0] == 0xc4 && (c[1] & 0x1f) == 1) { // VEX, three bytes, map 0F
        s->reg = reg_of(c[4]) | (c[1] & 0x80 ? 0u : 8u);
        return vector_opcode(c[3], c[3] == 0x11 && (c[2] & 2), c[2] & 4 ? 32 : 16, &s->bytes);
    }
    if (c[0] == 0x62 && (c[1] & 7) == 1 && !(c[3] & 7)) { // EVEX, map 0F, no mask
        s->reg = reg_of(c[5]) | (c[1] & 0x80 ? 0u : 8u) | (c[1] & 0x10 ? 0u : 16u);
        return vector_opcode(c[4], c[4] == 0x11 && (c[2] & 2), 16u << ((c[3] >> 5) & 3), &s->bytes);
    }
    return false;
}

static u64 general_register(const struct user_regs *r, u32 number)
{
    const u64 values[16] = { r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                             r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };
    return values[number & 15];
}

// The program's vector registers are in the processor: the LibOS uses none.
#define SAVE(n, instruction, name)                                                 \
    case n:                                                                        \
        __asm__ volatile(instruction " %%" name #n ", (%0)" ::"r"(to) : "memory"); \
        break;
#define SAVE_4(a, b, c, d, instruction, name) \
    SAVE(a, instruction, name)                \
    SAVE(b, instruction, name)                \
    SAVE(c, instruction, name)                \
    SAVE(d, instruction, name)
#define SAVE_16(instruction, name)          \
    SAVE_4(0, 1, 2, 3, instruction, name)   \
    SAVE_4(4, 5, 6, 7, instruction, name)   \
    SAVE_4(8, 9, 10, 11, instruction, name) \
    SAVE_4(12, 13, 14, 15, instruction, name)
#define SAVE_32(instruction, name)            \
    SAVE_16(instruction, name)                \
    SAVE_4(16, 17, 18, 19, instruction, name) \
    SAVE_4(20, 21, 22, 23, instruction, name) \
    SAVE_4(24, 25, 26, 27, instruction, name) \
    SAVE_4(28, 29, 30, 31, instruction, name)

static void save_vector(u32 number, u32 bytes, u8 *to)
{
    if (number >= 16 || bytes > 32) { // only EVEX names these, so the processor has them
        switch (number) {
            SAVE_32("vmovdqu64", "zmm")
        }
    } else if (bytes == 32) {
        switch (number) {
            SAVE_16("vmovdqu", "ymm")
        }
    } else {
        switch (number) {
            SAVE_16("movups", "xmm")
        }
    }
}

// Finds out what the instruction at rip stores. Returns its size, 0: it is no store that is known here.
static size_t decode(const struct user_regs *regs, struct store *ret_store)
{
    u8 code[GATE_INSN_MAX + 1] = { 0 };
    struct gate_insn insn;
    struct prefixes prefixes;
    if (copy_from_user(code, (const void __user *)regs->rip, GATE_INSN_MAX))
        return 0;
    gate_decode(code, GATE_INSN_MAX, &insn);
    if (insn.kind == INSN_BAD)
        return 0;
    take_prefixes(code, &prefixes);
    bool known = general(code, insn.size, &prefixes, ret_store) || vector(code, &prefixes, ret_store);
    return known ? insn.size : 0;
}

// Notes the fault; true if it is one more of the same instruction on the other side of the same page's end. A loop over
// pages faults with one instruction too, but at other pages each time. One that goes on at its page although that is
// taken away again and again (by msync, or by a writer of another mapping) faults at this page only.
static bool crosses_again(struct thread *thread, u64 rip, u64 addr, bool near)
{
    u64 page = addr / PAGE_SIZE;
    bool other = page + 1 == thread->store_page || page == thread->store_page + 1;

    if (near && rip == thread->store_rip && page == thread->store_page)
        return false;
    bool again = near && rip == thread->store_rip && other;
    thread->store_rip = near ? rip : 0;
    thread->store_page = page;
    thread->store_faults = again ? thread->store_faults + 1 : 0;
    return again;
}

int vm_store_across(struct user_regs *regs, u64 addr)
{
    struct thread *thread = current;
    struct store store = { 0 };
    u8 bytes[STORE_MAX] = { 0 };
    u64 room = PAGE_SIZE - (addr & PAGE_MASK); // a store that begins here and ends behind the page is longer
    bool near = room < STORE_MAX || room == PAGE_SIZE;

    if (likely(!crosses_again(thread, regs->rip, addr, near)) || thread->store_faults < TRIES)
        return 0;
    size_t size = room < STORE_MAX ? decode(regs, &store) : 0; // else the second page: the first one tells the address
    if (!size)
        return thread->store_faults > GIVE_UP ? -EIO : 0;
    thread->store_rip = 0;
    if (store.bytes <= room)
        return 0;
    if (store.kind == STORE_VECTOR)
        save_vector(store.reg, store.bytes, bytes);
    else
        memcpy(bytes, &(u64){ store.kind == STORE_VALUE ? store.value : general_register(regs, store.reg) },
               sizeof(u64));
    if (copy_to_user((void __user *)addr, bytes, store.bytes))
        return -EIO;
    regs->rip += size;
    return 0;
}
