// SPDX-License-Identifier: BSD-3-Clause
// Arithmetic is done by the same instruction on the supervisor's CPU, so flags are the CPU's own.
#include <Zydis/Zydis.h>
#include <string.h>

#include "front/cpu/ahead.h"

enum {
    CACHE = 256,
    CF = 1,
    ZF = 1 << 6,
    SF = 1 << 7,
    OF = 1 << 11,
    PF = 1 << 2,
    DF = 1 << 10,
    STATUS = 0x8d5,
    RSP = 4,
    RCX = 1,
    RDI = 7
};

struct cached {
    u8 bytes[15];
    ZydisDecodedInstruction i;
    ZydisDecodedOperand o[ZYDIS_MAX_OPERAND_COUNT];
};

static const struct cached *decode(const u8 *code, size_t size)
{
    static struct cached cache[CACHE];
    static ZydisDecoder decoder;
    static bool ready;
    if (!ready)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    u64 hash = 0;
    memcpy(&hash, code, size < 8 ? size : 8);
    struct cached *c = &cache[(hash * 0x9e3779b97f4a7c15ull) >> 56];
    if (c->i.length && c->i.length <= size && !memcmp(c->bytes, code, c->i.length))
        return c;
    c->i.length = 0;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &c->i, c->o))) {
        c->i.length = 0;
        return NULL;
    }
    memcpy(c->bytes, code, c->i.length);
    return c;
}

// ---- operands

struct place { // of an operand that can be read and perhaps written
    u64 *reg;
    u8 *mem;
    u32 shift; // AH and its like
    u32 size;  // bits
    u64 imm;
    bool is_imm;
};

static u64 *reg_of(struct ahead *a, ZydisRegister r, u32 *ret_shift)
{
    *ret_shift = r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH ? 8 : 0;
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (wide < ZYDIS_REGISTER_RAX || wide > ZYDIS_REGISTER_R15)
        return NULL;
    return &a->gpr[wide - ZYDIS_REGISTER_RAX];
}

static bool address_of(struct ahead *a, const struct cached *c, const ZydisDecodedOperand *o, u64 *ret_address)
{
    u32 shift;
    u64 at = o->mem.disp.has_displacement ? (u64)o->mem.disp.value : 0;
    if (o->mem.base == ZYDIS_REGISTER_RIP) {
        at += a->rip + c->i.length;
    } else if (o->mem.base != ZYDIS_REGISTER_NONE) {
        const u64 *base = reg_of(a, o->mem.base, &shift);
        if (!base)
            return false;
        at += *base;
    }
    if (o->mem.index != ZYDIS_REGISTER_NONE) {
        const u64 *index = reg_of(a, o->mem.index, &shift);
        if (!index)
            return false;
        at += *index * o->mem.scale;
    }
    if (o->mem.segment == ZYDIS_REGISTER_FS)
        at += a->fs_base;
    if (o->mem.segment == ZYDIS_REGISTER_GS)
        at += a->gs_base;
    *ret_address = at;
    return c->i.address_width == 64;
}

static bool locate(struct ahead *a, const struct cached *c, const ZydisDecodedOperand *o, bool write,
                   struct place *ret_p)
{
    u64 address;
    *ret_p = (struct place){ .size = o->size };
    switch (o->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        return (ret_p->reg = reg_of(a, o->reg.value, &ret_p->shift)) != NULL;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        ret_p->is_imm = true;
        ret_p->imm = o->imm.value.u;
        return true;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return o->size >= 8 && o->size <= 64 && address_of(a, c, o, &address) &&
               (ret_p->mem = a->memory(a->context, address, o->size / 8u, write)) != NULL;
    default:
        return false;
    }
}

static u64 cut(u64 value, u32 bits) { return bits >= 64 ? value : value & ((1ull << bits) - 1); }

static u64 get(const struct place *p)
{
    u64 value = 0;
    if (p->is_imm)
        return cut(p->imm, p->size);
    if (p->reg)
        return cut(*p->reg >> p->shift, p->size);
    memcpy(&value, p->mem, p->size / 8);
    return value;
}

static void put(const struct place *p, u64 value)
{
    if (p->mem)
        memcpy(p->mem, &value, p->size / 8);
    else if (p->size >= 32) // a 32-bit result clears the upper half
        *p->reg = cut(value, p->size);
    else
        *p->reg = (*p->reg & ~(cut(~0ull, p->size) << p->shift)) | cut(value, p->size) << p->shift;
}

// ---- arithmetic

// The stack below RSP may hold the compiler's variables, hence the room.
#define NATIVE(ins)                                                                                    \
    __asm__("lea -128(%%rsp), %%rsp; push %[f]; popf; " ins "; pushf; pop %[f]; lea 128(%%rsp), %%rsp" \
            : [d] "+r"(d), [f] "+r"(flags)                                                             \
            : [s] "r"(s)                                                                               \
            : "cc")
#define BY_SIZE(name)                  \
    switch (size) {                    \
    case 8:                            \
        NATIVE(name "b %b[s], %b[d]"); \
        break;                         \
    case 16:                           \
        NATIVE(name "w %w[s], %w[d]"); \
        break;                         \
    case 32:                           \
        NATIVE(name "l %k[s], %k[d]"); \
        break;                         \
    default:                           \
        NATIVE(name "q %q[s], %q[d]"); \
    }                                  \
    break
#define BY_SIZE_1(name)         \
    switch (size) {             \
    case 8:                     \
        NATIVE(name "b %b[d]"); \
        break;                  \
    case 16:                    \
        NATIVE(name "w %w[d]"); \
        break;                  \
    case 32:                    \
        NATIVE(name "l %k[d]"); \
        break;                  \
    default:                    \
        NATIVE(name "q %q[d]"); \
    }                           \
    break

static bool binary(ZydisMnemonic m, u32 size, u64 *value, u64 s, u64 *ret_flags)
{
    u64 d = *value, flags = *ret_flags & STATUS;
    switch (m) {
    case ZYDIS_MNEMONIC_ADD:
        BY_SIZE("add");
    case ZYDIS_MNEMONIC_ADC:
        BY_SIZE("adc");
    case ZYDIS_MNEMONIC_SUB:
        BY_SIZE("sub");
    case ZYDIS_MNEMONIC_SBB:
        BY_SIZE("sbb");
    case ZYDIS_MNEMONIC_CMP:
        BY_SIZE("cmp");
    case ZYDIS_MNEMONIC_AND:
        BY_SIZE("and");
    case ZYDIS_MNEMONIC_OR:
        BY_SIZE("or");
    case ZYDIS_MNEMONIC_XOR:
        BY_SIZE("xor");
    case ZYDIS_MNEMONIC_TEST:
        BY_SIZE("test");
    case ZYDIS_MNEMONIC_INC:
        BY_SIZE_1("inc");
    case ZYDIS_MNEMONIC_DEC:
        BY_SIZE_1("dec");
    case ZYDIS_MNEMONIC_NEG:
        BY_SIZE_1("neg");
    case ZYDIS_MNEMONIC_NOT:
        BY_SIZE_1("not");
    default:
        return false;
    }
    *value = d;
    *ret_flags = (*ret_flags & ~(u64)STATUS) | (flags & STATUS);
    return true;
}

static bool shift(ZydisMnemonic m, u32 size, u64 *value, u8 count, u64 *ret_flags)
{
    u64 d = *value, flags = *ret_flags & STATUS;
    register u64 s __asm__("rcx") = count;
#define SHIFT(name)                   \
    switch (size) {                   \
    case 32:                          \
        NATIVE(name "l %%cl, %k[d]"); \
        break;                        \
    case 64:                          \
        NATIVE(name "q %%cl, %q[d]"); \
        break;                        \
    default:                          \
        return false;                 \
    }                                 \
    break
    switch (m) {
    case ZYDIS_MNEMONIC_SHL:
        SHIFT("shl");
    case ZYDIS_MNEMONIC_SHR:
        SHIFT("shr");
    case ZYDIS_MNEMONIC_SAR:
        SHIFT("sar");
    default:
        return false;
    }
    *value = d;
    *ret_flags = (*ret_flags & ~(u64)STATUS) | (flags & STATUS);
    return true;
}

static bool condition(u8 code, u64 f)
{ // the low four bits of Jcc, SETcc and CMOVcc opcodes
    bool sf = f & SF, of = f & OF, met;
    switch (code >> 1 & 7) {
    case 0:
        met = of;
        break;
    case 1:
        met = f & CF;
        break;
    case 2:
        met = f & ZF;
        break;
    case 3:
        met = f & (CF | ZF);
        break;
    case 4:
        met = sf;
        break;
    case 5:
        met = f & PF;
        break;
    case 6:
        met = sf != of;
        break;
    default:
        met = (f & ZF) || sf != of;
    }
    return met != (code & 1);
}

// ---- instructions

static bool compute(struct ahead *a, const struct cached *c)
{
    ZydisMnemonic m = c->i.mnemonic;
    struct place d, s = { .is_imm = true };
    bool writes = m != ZYDIS_MNEMONIC_CMP && m != ZYDIS_MNEMONIC_TEST;
    if (!locate(a, c, &c->o[0], writes, &d) || d.is_imm ||
        (c->i.operand_count_visible > 1 && !locate(a, c, &c->o[1], false, &s)))
        return false;
    u64 value = get(&d), flags = a->rflags;
    bool shifts = m == ZYDIS_MNEMONIC_SHL || m == ZYDIS_MNEMONIC_SHR || m == ZYDIS_MNEMONIC_SAR;
    u64 source = s.is_imm ? s.imm : get(&s);
    if (shifts ? !shift(m, d.size, &value, (u8)source, &flags) : !binary(m, d.size, &value, source, &flags))
        return false;
    if (writes)
        put(&d, value);
    a->rflags = flags;
    return true;
}

static bool move(struct ahead *a, const struct cached *c)
{
    struct place d, s;
    if (!locate(a, c, &c->o[0], true, &d) || !locate(a, c, &c->o[1], false, &s))
        return false;
    u64 value = s.is_imm ? s.imm : get(&s);
    if (c->i.mnemonic == ZYDIS_MNEMONIC_MOVSX || c->i.mnemonic == ZYDIS_MNEMONIC_MOVSXD)
        value = (u64)((s64)(value << (64 - s.size)) >> (64 - s.size));
    put(&d, value);
    return true;
}

static bool exchange(struct ahead *a, const struct cached *c)
{
    struct place d, s;
    if (c->o[0].type != ZYDIS_OPERAND_TYPE_REGISTER || c->o[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        !locate(a, c, &c->o[0], true, &d) || !locate(a, c, &c->o[1], true, &s))
        return false;
    u64 first = get(&d), second = get(&s);
    put(&d, second);
    put(&s, first);
    return true;
}

static bool push(struct ahead *a, u64 value)
{
    u8 *to = a->memory(a->context, a->gpr[RSP] - 8, 8, true);
    if (!to)
        return false;
    memcpy(to, &value, 8);
    a->gpr[RSP] -= 8;
    return true;
}

static bool pop(struct ahead *a, u64 *ret_value)
{
    const u8 *from = a->memory(a->context, a->gpr[RSP], 8, false);
    if (!from)
        return false;
    memcpy(ret_value, from, 8);
    a->gpr[RSP] += 8;
    return true;
}

// PUSH and POP of 64-bit registers; CALL, RET, JMP.
static bool stack(struct ahead *a, const struct cached *c, u64 *next)
{
    const ZydisDecodedOperand *o = &c->o[0];
    u32 unused;
    u64 value = 0;
    bool is_reg = c->i.operand_count_visible && o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->size == 64;
    u64 *reg = is_reg ? reg_of(a, o->reg.value, &unused) : NULL;
    bool relative = c->i.operand_count_visible && o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->imm.is_relative;
    u64 target = relative ? *next + o->imm.value.u : reg ? *reg : 0;
    switch (c->i.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        return reg && push(a, *reg);
    case ZYDIS_MNEMONIC_POP:
        if (!reg || !pop(a, &value))
            return false;
        *reg = value;
        return true;
    case ZYDIS_MNEMONIC_RET:
        return !c->i.operand_count_visible && pop(a, next);
    case ZYDIS_MNEMONIC_CALL:
        if ((!relative && !reg) || !push(a, *next))
            return false;
        break;
    default:
        if (!relative && !reg)
            return false;
    }
    *next = target;
    return true;
}

// REP STOSQ upwards, as compilers clear structures, within what memory() gives.
static bool store_string(struct ahead *a, const struct cached *c)
{
    if (!(c->i.attributes & ZYDIS_ATTRIB_HAS_REP) || (a->rflags & DF) || c->i.address_width != 64 || a->gpr[RCX] > 512)
        return false;
    for (u64 i = 0; i < a->gpr[RCX]; i++)
        if (!a->memory(a->context, a->gpr[RDI] + 8 * i, 8, true))
            return false;
    for (; a->gpr[RCX]; a->gpr[RCX]--, a->gpr[RDI] += 8)
        memcpy(a->memory(a->context, a->gpr[RDI], 8, true), &a->gpr[0], 8);
    return true;
}

static bool conditional(struct ahead *a, const struct cached *c, u64 *next)
{
    struct place d, s;
    bool met = condition(c->i.opcode, a->rflags);
    switch (c->i.opcode >> 4) {
    case 7:
    case 8:
        *next += met ? c->o[0].imm.value.u : 0;
        return true;
    case 4:
        if (!locate(a, c, &c->o[0], true, &d) || !locate(a, c, &c->o[1], false, &s))
            return false;
        put(&d, met ? get(&s) : get(&d)); // a 32-bit one clears the upper half either way
        return true;
    default:
        if (!locate(a, c, &c->o[0], true, &d))
            return false;
        put(&d, met);
        return true;
    }
}

// Jcc (70+, 0F 80+), CMOVcc (0F 40+), SETcc (0F 90+).
static bool is_conditional(const ZydisDecodedInstruction *i)
{
    u32 row = i->opcode >> 4;
    if (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
        return row == 7;
    return i->opcode_map == ZYDIS_OPCODE_MAP_0F && i->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
           (row == 4 || row == 8 || row == 9);
}

static bool execute(struct ahead *a, const struct cached *c, u64 *next)
{
    u64 address;
    u32 unused;
    switch (c->i.mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
        return true;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        return move(a, c);
    case ZYDIS_MNEMONIC_LEA:
        if (c->o[0].size < 32 || !address_of(a, c, &c->o[1], &address))
            return false;
        *reg_of(a, c->o[0].reg.value, &unused) = cut(address, c->o[0].size);
        return true;
    case ZYDIS_MNEMONIC_XCHG:
        return exchange(a, c);
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_JMP:
        return stack(a, c, next);
    case ZYDIS_MNEMONIC_STOSQ:
        return store_string(a, c);
    default:
        break;
    }
    if (is_conditional(&c->i))
        return conditional(a, c, next);
    return compute(a, c);
}

bool ahead_step(struct ahead *a)
{
    size_t size;
    const u8 *code = a->code(a->context, a->rip, &size);
    const struct cached *c = code ? decode(code, size) : NULL;
    if (!c || (c->i.attributes & ZYDIS_ATTRIB_HAS_LOCK))
        return false;
    u64 next = a->rip + c->i.length;
    if (!execute(a, c, &next))
        return false;
    a->rip = next;
    return true;
}
