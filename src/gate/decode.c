// SPDX-License-Identifier: BSD-3-Clause
// Decoding is: prefixes, opcode map and opcode, ModRM with SIB and displacement, immediate. The maps are
// strings of one letter per opcode that say what follows the opcode byte.
#include "gate/decode.h"

// - nothing   m ModRM   b imm8   w imm16   z imm16/32   M ModRM+imm8   Z ModRM+imm16/32
// j rel8      J rel32   . undefined   p prefix   s decided in code
static const char one_byte_map[257] = "mmmmbz..mmmmbz.s"
                                      "mmmmbz..mmmmbz.."
                                      "mmmmbzp.mmmmbzp."
                                      "mmmmbzp.mmmmbzp."
                                      "pppppppppppppppp"
                                      "----------------"
                                      "...sppppzZbM----"
                                      "jjjjjjjjjjjjjjjj"
                                      "MZ.Mmmmmmmmmmmms"
                                      "----------.-----"
                                      "ssss----bz------"
                                      "bbbbbbbbssssssss"
                                      "MMw-ssMZs-w--b.-"
                                      "mmmm...-mmmmmmmm"
                                      "jjjjbbbbJJ.j----"
                                      "p-pp--ss------mm";
static const char map_0f[257] = "mmmm.-----.-.m-M"
                                "mmmmmmmmmmmmmmmm"
                                "mmmm....mmmmmmmm"
                                "------.-s.s....."
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "MMMMmmm-sm..mmmm"
                                "JJJJJJJJJJJJJJJJ"
                                "mmmmmmmmmmmmmmmm"
                                "---mMmmm---mMmmm"
                                "mmmmmmmmmmMmmmmm"
                                "mmMmMMMm--------"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

#define PREFIX_66 0x01
#define PREFIX_67 0x02
#define PREFIX_F2 0x04
#define PREFIX_F3 0x08

#define REX_W 8
#define REX_R 4
#define REX_B 1

struct decoder {
    const u8 *code;
    size_t end; // bytes that may be read
    size_t at;  // next byte
    u8 prefixes;
    u8 rex;
    u8 map;   // 0 = one-byte, 1 = 0F, 2 = 0F38, 3 = 0F3A, others by VEX/EVEX/XOP
    bool vex; // VEX, EVEX or XOP encoded
    u8 opcode;
    u8 modrm;
    bool bad;
};

static u8 take(struct decoder *d)
{
    if (d->at >= d->end) {
        d->bad = true;
        return 0;
    }
    return d->code[d->at++];
}

static u8 prefix_flag(u8 byte)
{
    switch (byte) {
    case 0x66:
        return PREFIX_66;
    case 0x67:
        return PREFIX_67;
    case 0xf2:
        return PREFIX_F2;
    case 0xf3:
        return PREFIX_F3;
    default:
        return 0;
    }
}

static u8 peek(const struct decoder *d) { return d->at < d->end ? d->code[d->at] : 0; }

static void take_prefixes(struct decoder *d)
{
    for (;;) {
        u8 byte = peek(d);
        if (one_byte_map[byte] != 'p')
            return;
        if ((byte & 0xf0) == 0x40) {
            d->rex = byte;
        } else {
            d->rex = 0; // only a REX right before the opcode counts
            d->prefixes |= prefix_flag(byte);
        }
        d->at++;
        if (d->at >= d->end)
            return;
    }
}

// The displacement that ModRM asks for, and the SIB byte.
static void take_modrm(struct decoder *d, struct gate_insn *insn)
{
    u8 modrm = take(d);
    u8 mod = modrm >> 6, rm = modrm & 7;

    d->modrm = modrm;
    if (mod == 3)
        return;
    if (rm == 4 && (take(d) & 7) == 5 && mod == 0) {
        d->at += 4;
    } else if (mod == 0 && rm == 5) {
        if (!(d->prefixes & PREFIX_67)) // EIP-relative wraps at 4 GiB: never moved
            insn->flags |= INSN_RIP_RELATIVE;
        else
            insn->kind = INSN_OTHER;
        insn->disp_at = (u8)d->at;
        d->at += 4;
    } else {
        d->at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
    }
}

static void take_immediate(struct decoder *d, struct gate_insn *insn, unsigned size)
{
    if (d->at + size > d->end) {
        d->bad = true;
        return;
    }
    const u8 *p = d->code + d->at;
    if (size == 1) {
        insn->value = (s8)p[0];
    } else if (size == 2) {
        insn->value = (s16)(p[0] | p[1] << 8);
    } else if (size == 4) {
        __builtin_memcpy(&insn->value, p, 4);
    }
    d->at += size;
}

static unsigned operand_immediate_size(const struct decoder *d)
{
    return (d->prefixes & PREFIX_66) && !(d->rex & REX_W) ? 2 : 4;
}

// VEX (C4, C5), EVEX (62) and XOP (8F): the rest of the prefix, then the opcode.
static void take_vex(struct decoder *d, u8 first)
{
    // A legacy 66, F2, F3 or REX prefix before them is #UD.
    if ((d->prefixes & ~PREFIX_67) || d->rex)
        d->bad = true;
    d->vex = true;
    u8 byte = take(d);
    if (first == 0xc5) {
        d->map = 1;
    } else if (first == 0x62) {
        d->map = byte & 7;
        take(d);
        take(d);
        if (d->map == 0 || d->map == 4 || d->map == 7)
            d->bad = true;
    } else {
        d->map = byte & 0x1f;
        take(d);
        if (first == 0xc4 ? d->map < 1 || d->map > 3 : d->map < 8 || d->map > 10)
            d->bad = true;
    }
    d->opcode = take(d);
}

static void take_vex_operands(struct decoder *d, struct gate_insn *insn)
{
    if (d->map == 1 && d->opcode == 0x77) // vzeroupper, vzeroall
        return;
    take_modrm(d, insn);
    if (d->map == 3 || d->map == 8 || (d->map == 1 && map_0f[d->opcode] == 'M'))
        take_immediate(d, insn, 1);
    else if (d->map == 10)
        take_immediate(d, insn, 4);
}

// The opcodes of the one-byte map that the letters cannot describe.
static void take_special(struct decoder *d, struct gate_insn *insn)
{
    u8 op = d->opcode;

    if (op == 0x63) { // movsxd
        take_modrm(d, insn);
    } else if (op == 0x8f) { // pop r/m; XOP has been told apart before
        take_modrm(d, insn);
        if (d->modrm & 0x38)
            d->bad = true;
    } else if (op >= 0xa0 && op <= 0xa3) { // mov moffs
        d->at += d->prefixes & PREFIX_67 ? 4 : 8;
    } else if (op >= 0xb8 && op <= 0xbf) { // mov imm to register, imm64 with REX.W
        take_immediate(d, insn, d->rex & REX_W ? 8 : operand_immediate_size(d));
    } else if (op == 0xc8) { // enter
        take_immediate(d, insn, 2);
        take_immediate(d, insn, 1);
    } else { // F6, F7: test has an immediate, the others have none
        take_modrm(d, insn);
        if ((d->modrm & 0x38) <= 8)
            take_immediate(d, insn, op == 0xf6 ? 1 : operand_immediate_size(d));
    }
}

static void take_operands(struct decoder *d, struct gate_insn *insn)
{
    char shape = d->map == 2 ? 'm' : 'M';
    if (d->map < 2)
        shape = d->map == 0 ? one_byte_map[d->opcode] : map_0f[d->opcode];

    switch (shape) {
    case '-':
        return;
    case 'M':
    case 'Z':
    case 'm':
        take_modrm(d, insn);
        if (shape == 'M')
            take_immediate(d, insn, 1);
        else if (shape == 'Z')
            take_immediate(d, insn, operand_immediate_size(d));
        return;
    case 'b':
    case 'j':
        take_immediate(d, insn, 1);
        return;
    case 'w':
        take_immediate(d, insn, 2);
        return;
    case 'z':
        take_immediate(d, insn, operand_immediate_size(d));
        return;
    case 'J':
        take_immediate(d, insn, 4);
        return;
    case 's':
        if (d->map == 0) {
            take_special(d, insn);
        } else { // 0F 78: vmread; extrq and insertq of SSE4a have two immediate bytes
            take_modrm(d, insn);
            if (d->prefixes & (PREFIX_66 | PREFIX_F2))
                d->at += 2;
        }
        return;
    default:
        d->bad = true;
    }
}

static void take_opcode(struct decoder *d)
{
    u8 byte = take(d);

    if (byte == 0xc4 || byte == 0xc5 || byte == 0x62 || (byte == 0x8f && (peek(d) & 0x1f) >= 8)) {
        take_vex(d, byte);
        return;
    }
    if (byte == 0x0f) {
        d->map = 1;
        byte = take(d);
        if (byte == 0x38 || byte == 0x3a) {
            d->map = byte == 0x38 ? 2 : 3;
            byte = take(d);
        }
    }
    d->opcode = byte;
}

static u8 classify_one_byte(const struct decoder *d)
{
    u8 op = d->opcode, reg = (d->modrm >> 3) & 7;

    if ((op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3))
        return INSN_JCC;
    switch (op) {
    case 0x90:
        return d->rex & REX_B || d->prefixes & PREFIX_F3 ? INSN_PLAIN : INSN_NOP;
    case 0xc7: // C7 F8 is xbegin
        return d->modrm == 0xf8 ? INSN_JCC : reg ? INSN_BAD : INSN_PLAIN;
    case 0xc6: // C6 F8 is xabort
        return d->modrm == 0xf8 ? INSN_OTHER : reg ? INSN_BAD : INSN_PLAIN;
    case 0xe8:
        return INSN_CALL;
    case 0xe9:
    case 0xeb:
        return INSN_JMP;
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf:
        return INSN_RET;
    case 0xcc:
        return INSN_INT3;
    case 0xcd:
    case 0xf1:
        return INSN_OTHER;
    case 0xf4:
        return INSN_STOP;
    case 0xfe:
        return reg <= 1 ? INSN_PLAIN : INSN_BAD;
    case 0xff:
        if (reg == 7)
            return INSN_BAD;
        if (reg == 2 || reg == 3)
            return INSN_CALL_INDIRECT;
        return reg == 4 || reg == 5 ? INSN_JMP_INDIRECT : INSN_PLAIN;
    default:
        return INSN_PLAIN;
    }
}

static u8 classify_0f(const struct decoder *d)
{
    switch (d->opcode) {
    case 0x05:
        return INSN_SYSCALL;
    case 0x07:
    case 0x35:
        return INSN_RET;
    case 0x34:
    case 0xaa:
        return INSN_OTHER;
    case 0x0b:
    case 0xb9:
    case 0xff:
        return INSN_STOP;
    case 0x1f:
        return (d->modrm & 0x38) == 0 && d->modrm < 0xc0 ? INSN_NOP : INSN_PLAIN;
    default:
        return (d->opcode & 0xf0) == 0x80 ? INSN_JCC : INSN_PLAIN;
    }
}

// Is eax or rax the register operand of a full write? `reg` and `rm` name the ModRM field.
static bool writes_ax(const struct decoder *d)
{
    u8 op = d->opcode;
    bool reg_ax = !(d->modrm & 0x38) && !(d->rex & REX_R);
    bool rm_ax = (d->modrm & 0xc7) == 0xc0 && !(d->rex & REX_B);

    if (d->vex || ((d->prefixes & PREFIX_66) && !(d->rex & REX_W)))
        return false;
    if (d->map == 1) // cmovcc, movzx, movsx
        return reg_ax && ((op & 0xf0) == 0x40 || (op & 0xf6) == 0xb6);
    if (d->map != 0)
        return false;
    switch (op) {
    case 0x31:
    case 0x33: // xor %eax, %eax
    case 0x29:
    case 0x2b:
        return d->modrm == 0xc0 && !(d->rex & (REX_R | REX_B));
    case 0x58:
    case 0xb8:
        return !(d->rex & REX_B);
    case 0x63:
    case 0x8b:
    case 0x8d:
        return reg_ax;
    case 0x89:
        return rm_ax;
    case 0xc7: // /7 would be xbegin
        return d->modrm == 0xc0 && !(d->rex & REX_B);
    default:
        return false;
    }
}

static bool compares_errno(const struct decoder *d, const struct gate_insn *insn)
{
    bool ax = (d->opcode == 0x3d) || ((d->opcode == 0x81 || d->opcode == 0x83) && d->modrm == 0xf8);

    return d->map == 0 && !d->vex && ax && !(d->rex & REX_B) && !(d->prefixes & PREFIX_66) && insn->value >= -4096 &&
           insn->value <= -1;
}

static u8 property_flags(const struct decoder *d, const struct gate_insn *insn)
{
    u8 flags = 0, op = d->opcode;

    if (writes_ax(d))
        flags |= INSN_WRITES_AX;
    if (d->vex)
        return flags;
    if (d->map == 1)
        return flags | (op == 0x1e && d->modrm == 0xfa && d->prefixes & PREFIX_F3 ? INSN_ENDBR : 0);
    if (d->map != 0)
        return flags;
    if (compares_errno(d, insn))
        flags |= INSN_CMP_ERRNO;
    if ((op == 0x89 && d->modrm == 0xc7 && d->rex == 0x48) || (op == 0x8b && d->modrm == 0xf8 && d->rex == 0x48))
        flags |= INSN_MOV_AX_DI;
    if (op == 0x8d)
        flags |= INSN_LEA;
    if (op == 0x68 || op == 0xc7 || ((op & 0xf8) == 0xb8 && !(d->rex & REX_W)))
        flags |= INSN_IMM32;
    return flags;
}

void gate_decode(const u8 *code, size_t size, struct gate_insn *ret)
{
    struct decoder d = { .code = code, .end = MIN(size, (size_t)GATE_INSN_MAX) };

    *ret = (struct gate_insn){ .kind = INSN_PLAIN };
    take_prefixes(&d);
    take_opcode(&d);
    if (d.vex)
        take_vex_operands(&d, ret);
    else if (!d.bad)
        take_operands(&d, ret);
    u8 kind = INSN_PLAIN;
    if (!d.vex && d.map < 2)
        kind = d.map == 0 ? classify_one_byte(&d) : classify_0f(&d);
    if (d.bad || d.at > d.end || kind == INSN_BAD) {
        *ret = (struct gate_insn){ .kind = INSN_BAD, .size = 1 };
        return;
    }
    if (ret->kind == INSN_PLAIN)
        ret->kind = kind;
    ret->size = (u8)d.at;
    ret->flags |= property_flags(&d, ret);
    if (ret->flags & INSN_RIP_RELATIVE)
        __builtin_memcpy(&ret->disp, code + ret->disp_at, 4);
}
