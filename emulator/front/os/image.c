// SPDX-License-Identifier: BSD-3-Clause
// The vDSO image in the traced program: mapped at the end of execve, told to the program through AT_SYSINFO_EHDR.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"
#include "vdso_image.h"

// Value of a symbol in the dynamic symbol table of an ELF image laid out as in memory; 0 if it has none.
static u64 find_symbol(const u8 *image, size_t size, const char *name)
{
    const Elf64_Ehdr *header = (const void *)image;
    if (size < sizeof(*header) || header->e_shoff > size ||
        header->e_shnum > (size - header->e_shoff) / sizeof(Elf64_Shdr))
        return 0;
    const Elf64_Shdr *sections = (const void *)(image + header->e_shoff);
    for (u32 i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *s = &sections[i];
        if (s->sh_type != SHT_DYNSYM || s->sh_link >= header->e_shnum || s->sh_offset + s->sh_size > size)
            continue;
        const Elf64_Sym *symbols = (const void *)(image + s->sh_offset);
        const Elf64_Shdr *names = &sections[s->sh_link];
        for (u64 k = 0; k < s->sh_size / sizeof(*symbols); k++)
            if (names->sh_offset + symbols[k].st_name < size &&
                !strcmp((const char *)image + names->sh_offset + symbols[k].st_name, name))
                return symbols[k].st_value;
    }
    return 0;
}

u64 image_symbol(const char *name)
{
    static struct {
        const char *name;
        u64 value;
    } cache[16];
    for (size_t i = 0; i < 16; i++) {
        if (cache[i].name == name)
            return cache[i].value;
        if (!cache[i].name) {
            cache[i].name = name;
            return cache[i].value = find_symbol(vdso_image, sizeof(vdso_image), name);
        }
    }
    return find_symbol(vdso_image, sizeof(vdso_image), name);
}

static void forward_to(struct task *t, u64 real)
{
    static const char *const names[5] = { "__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_getcpu",
                                          "__vdso_clock_getres" };
    u8 copy[2 * EMU_PAGE] __attribute__((aligned(8)));
    if (remote_read(t, real, copy, sizeof(copy)) < 0)
        return;
    for (u64 i = 0; i < 5; i++) {
        u64 value = find_symbol(copy, sizeof(copy), names[i]);
        value = value ? real + value : 0;
        (void)remote_write(t, t->mm->image + image_symbol("sgx2emu_forward") + 8 * i, &value, 8);
    }
}

// Rewrites AT_SYSINFO_EHDR, and AT_HWCAP2 where it says too much, on the new program's stack; returns the kernel's vDSO
// address.
static u64 replace_auxv(struct task *t)
{
    u64 at = t->regs.rsp, skipped, pair[2];
    if (remote_read(t, at, &skipped, 8) < 0)
        return 0;
    at += 8 * (skipped + 2);
    do {
        if (remote_read(t, at, &skipped, 8) < 0)
            return 0;
        at += 8;
    } while (skipped);
    u64 vdso = 0;
    for (; remote_read(t, at, pair, 16) == 0 && pair[0] != AT_NULL; at += 16) {
        u64 value = pair[1];
        if (pair[0] == AT_HWCAP2 && !emu.bases_native)
            value &= ~(u64)HWCAP2_FSGSBASE_BIT;
        if (pair[0] == AT_SYSINFO_EHDR)
            vdso = pair[1];
        if (pair[0] == AT_SYSINFO_EHDR && !emu.options.no_vdso)
            value = t->mm->image;
        if (value != pair[1])
            (void)remote_write(t, at + 8, &value, 8);
    }
    return vdso;
}

int image_install(struct task *t)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", t->tid);
    t->mm->memory = open(path, O_RDWR | O_CLOEXEC);
    if (t->mm->memory < 0)
        return -errno;
    remote_get(t);
    t->foreign = t->regs.cs != 0x33; // a 32-bit program runs on its own
    if (t->foreign)
        return 0;
    // The first call has no gadget yet: borrow two bytes at the entry point.
    u16 saved, instruction = 0x050f;
    if (remote_read(t, t->regs.rip, &saved, 2) < 0 || remote_write(t, t->regs.rip, &instruction, 2) < 0)
        return -EFAULT;
    u64 entry = t->regs.rip;
    t->mm->image = entry - image_symbol("sgx2emu_syscall");
    u64 args[6] = { EMU_IMAGE,
                    EMU_IMAGE_PAGES * EMU_PAGE,
                    PROT_READ | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                    ~0ull,
                    0 };
    long ret = remote_call(t, SYS_mmap, args);
    (void)!remote_write(t, entry, &saved, 2);
    if (ret != (long)EMU_IMAGE)
        return ret < 0 ? (int)ret : -EEXIST;
    t->mm->image = EMU_IMAGE;
    if (remote_write(t, EMU_IMAGE, vdso_image, sizeof(vdso_image)) < 0)
        return -EFAULT;
    u64 real = replace_auxv(t);
    if (real)
        forward_to(t, real);
    return 0;
}

void patched_add(struct mm *mm, u64 address)
{
    u64 *list = realloc(mm->patched, (mm->patched_count + 1) * sizeof(u64));
    if (!list)
        abort();
    mm->patched = list;
    list[mm->patched_count++] = address;
}

bool patched_at(const struct task *t, u64 address)
{
    size_t i = 0;
    while (i < t->mm->patched_count && t->mm->patched[i] != address)
        i++;
    return i < t->mm->patched_count || address == t->mm->image + image_symbol("sgx2emu_enclu");
}
