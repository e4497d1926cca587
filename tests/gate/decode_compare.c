// SPDX-License-Identifier: BSD-3-Clause
// decode-compare FILE...: gate_decode() against Zydis, instruction by instruction, over the code of each file.
// Fails if more than 1 of 100 000 instructions differs in length, class, branch target or RIP-relative operand,
// or is one only to Zydis. Encodings that only gate_decode() accepts (undefined combinations of prefixes, in
// tables of data among the code) are counted apart: taking such bytes for an instruction does no harm.
#include <Zydis/Zydis.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/scan.h"

struct tally {
    unsigned long count, length, refused, lenient, kind, target, rip;
};

static unsigned long differences(const struct tally *tally)
{
    return tally->length + tally->refused + tally->kind + tally->target + tally->rip;
}

static bool kinds_agree(const struct gate_insn *insn, const ZydisDecodedInstruction *z)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        return insn->kind == (z->mnemonic == ZYDIS_MNEMONIC_XEND ? INSN_PLAIN : INSN_JCC);
    case ZYDIS_CATEGORY_UNCOND_BR:
        if (z->mnemonic == ZYDIS_MNEMONIC_XABORT)
            return insn->kind == INSN_OTHER;
        return insn->kind == (z->raw.imm[0].is_relative ? INSN_JMP : INSN_JMP_INDIRECT);
    case ZYDIS_CATEGORY_CALL:
        return insn->kind == (z->raw.imm[0].is_relative ? INSN_CALL : INSN_CALL_INDIRECT);
    case ZYDIS_CATEGORY_RET:
        return insn->kind == INSN_RET;
    default:
        break;
    }
    if (z->mnemonic == ZYDIS_MNEMONIC_SYSCALL)
        return insn->kind == INSN_SYSCALL;
    return insn->kind == INSN_PLAIN || insn->kind == INSN_NOP || insn->kind == INSN_INT3 || insn->kind == INSN_STOP ||
           insn->kind == INSN_OTHER || (insn->kind == INSN_RET && z->mnemonic == ZYDIS_MNEMONIC_SYSRET) ||
           (insn->kind == INSN_RET && z->mnemonic == ZYDIS_MNEMONIC_SYSEXIT) ||
           (insn->kind == INSN_JCC && z->mnemonic == ZYDIS_MNEMONIC_XBEGIN);
}

static bool rip_agrees(const struct gate_insn *insn, const ZydisDecodedInstruction *z)
{
    bool relative = (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) && z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5 &&
                    z->address_width == 64;

    if (relative != !!(insn->flags & INSN_RIP_RELATIVE))
        return false;
    return !relative || (insn->disp_at == z->raw.disp.offset && insn->disp == z->raw.disp.value);
}

static void compare_one(const ZydisDecoder *decoder, const u8 *code, size_t size, u64 address, struct tally *tally,
                        unsigned *ret_step)
{
    ZydisDecodedInstruction z;
    struct gate_insn insn;
    bool valid = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, code, size, &z));
    unsigned long before = differences(tally);

    gate_decode(code, size, &insn);
    tally->count++;
    *ret_step = valid ? z.length : 1;
    if (valid != (insn.kind != INSN_BAD))
        valid ? tally->refused++ : tally->lenient++;
    else if (valid && z.length != insn.size)
        tally->length++;
    else if (valid && !kinds_agree(&insn, &z))
        tally->kind++;
    else if (valid && z.raw.imm[0].is_relative && z.raw.imm[0].value.s != insn.value)
        tally->target++;
    else if (valid && !rip_agrees(&insn, &z))
        tally->rip++;
    if (before != differences(tally) && getenv("VERBOSE")) {
        printf("  %#llx:", (unsigned long long)address);
        for (unsigned i = 0; i < 15 && i < size; i++)
            printf(" %02x", code[i]);
        printf("  zydis %s %u, ours kind %u size %u\n", valid ? ZydisMnemonicGetString(z.mnemonic) : "bad",
               valid ? z.length : 0, insn.kind, insn.size);
    }
}

static int compare_file(const ZydisDecoder *decoder, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    static struct scan scan;
    struct tally tally = { 0 };

    if (fd < 0 || fstat(fd, &st) || st.st_size == 0) {
        printf("%-44s skipped: not here\n", path);
        return 0;
    }
    u8 *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    scan = (struct scan){ 0 };
    if (elf_open(file, (size_t)st.st_size, &scan.elf))
        return 1;
    scan_find_texts(&scan);
    for (u32 i = 0; i < scan.text_count; i++) {
        const struct elf_text *code = &scan.texts[i].code;
        unsigned step;
        for (size_t at = 0; at < code->size; at += step)
            compare_one(decoder, code->bytes + at, code->size - at, code->vaddr + at, &tally, &step);
    }
    munmap(file, (size_t)st.st_size);
    printf("%-44s %9lu instructions; differ: length %lu, refused %lu, class %lu, "
           "target %lu, rip %lu; lenient %lu\n",
           path, tally.count, tally.length, tally.refused, tally.kind, tally.target, tally.rip, tally.lenient);
    return differences(&tally) * 100000 > tally.count;
}

int main(int argc, char **argv)
{
    ZydisDecoder decoder;
    int failed = 0;

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (int i = 1; i < argc; i++)
        failed |= compare_file(&decoder, argv[i]);
    return failed;
}
