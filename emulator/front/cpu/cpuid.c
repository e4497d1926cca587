// SPDX-License-Identifier: BSD-3-Clause
// CPUID cannot be made to fault on every machine: in private file mappings of code each CPUID becomes UD2, and the
// addresses are remembered, so that the program's own UD2 stays what it is. ENCLU of the untrusted side becomes INT3
// there, which traps sooner than #UD (a hypervisor looks at each #UD first).
#include <Zydis/Zydis.h>
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/cpu/patch.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

enum { SYNC_FROM = 64, SYNC_STARTS = 24, SYNC_AGREE = 16 };

static ZydisDecoder *decoder(void)
{
    static ZydisDecoder d;
    static bool ready;
    if (!ready)
        ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    return &d;
}

// x86 code synchronises quickly: `at` is an instruction's start if enough sweeps begun before it meet it.
bool is_instruction(const u8 *code, size_t size, size_t at, u32 of_24)
{
    u32 agree = 0, tried = 0;
    for (size_t start = at > SYNC_FROM ? at - SYNC_FROM : 0; start < at && tried < SYNC_STARTS; start++, tried++) {
        size_t i = start;
        while (i < at) {
            ZydisDecodedInstruction instruction;
            if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder(), NULL, code + i, size - i, &instruction)))
                i += instruction.length;
            else
                i++;
        }
        agree += i == at;
    }
    return !tried || agree * SYNC_STARTS >= tried * of_24;
}

struct patch {
    const char *from;
    size_t from_size;
    const char *to;
    size_t to_size;
};

static void patch_all(struct task *t, u64 start, const u8 *code, size_t size, struct patch patch)
{
    const u8 *p = code;
    while ((p = memmem(p, size - (size_t)(p - code), patch.from, patch.from_size))) {
        size_t at = (size_t)(p - code);
        if (is_instruction(code, size, at, SYNC_AGREE) && remote_write(t, start + at, patch.to, patch.to_size) == 0)
            patched_add(t->mm, start + at);
        p += patch.from_size;
    }
}

void cpuid_patch(struct task *t, u64 start, u64 size, u64 file_offset, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (u64)info.st_size > file_offset) {
        if (size > (u64)info.st_size - file_offset)
            size = (u64)info.st_size - file_offset;
        u8 *code = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, (off_t)file_offset);
        if (code != MAP_FAILED) {
            patch_all(t, start, code, size, (struct patch){ "\x0f\xa2", 2, "\x0f\x0b", 2 });
            patch_all(t, start, code, size, (struct patch){ "\x0f\x01\xd7", 3, "\xcc", 1 });
        }
        if (code != MAP_FAILED)
            munmap(code, size);
    }
    close(fd);
}

bool cpuid_emulate(struct task *t)
{
    u8 code[2];
    if (!patched_at(t, t->regs.rip) || remote_read(t, t->regs.rip, code, sizeof(code)) < 0 ||
        memcmp(code, "\x0f\x0b", 2))
        return false;
    u32 leaf = (u32)t->regs.rax, subleaf = (u32)t->regs.rcx, r[4];
    __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
    sgx_cpuid(&emu.model, leaf, subleaf, r);
    t->regs.rax = r[0];
    t->regs.rbx = r[1];
    t->regs.rcx = r[2];
    t->regs.rdx = r[3];
    t->regs.rip += 2;
    remote_put(t);
    return true;
}

void cpuid_patch_loaded(struct task *t)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/maps", t->tid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        u64 start, end, offset;
        char rights[5], name[400] = "";
        if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %399[^\n]", &start, &end, rights, &offset, name) == 5 &&
            rights[2] == 'x' && name[0] == '/')
            cpuid_patch(t, start, end - start, offset, name);
    }
    if (f)
        fclose(f);
}
