// SPDX-License-Identifier: BSD-3-Clause
// The ELF reader on the stand-in LibOS (FAKE_LIBOS), whole and damaged.
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign/libos_elf.h"
#include "test.h"

static u8 file_bytes[1 << 20];
static size_t file_len;

static u8 *fresh(void)
{
    if (!file_len) {
        FILE *f = fopen(getenv("FAKE_LIBOS"), "rb");
        file_len = f ? fread(file_bytes, 1, sizeof(file_bytes), f) : 0;
        if (f)
            fclose(f);
    }
    u8 *copy = malloc(file_len + 1); // exact size: the sanitizer sees a read past the end
    memcpy(copy, file_bytes, file_len);
    return copy;
}

static int read_elf(u8 *elf, size_t len, const char **why)
{
    struct libos_image image;
    u8 *exact = malloc(len ? len : 1);
    memcpy(exact, elf, len);
    int err = libos_image_read(exact, len, &image, why);
    free(exact);
    if (!err) {
        struct enclave_layout layout = { .image_start = 0x200000 };
        libos_image_place(&image, &layout);
        libos_image_free(&image);
    }
    return err;
}

static Elf64_Phdr *program_header(u8 *elf, u32 type, u32 flags)
{
    Elf64_Ehdr *eh = (Elf64_Ehdr *)elf;
    for (int i = 0; i < eh->e_phnum; i++) {
        Elf64_Phdr *ph = (Elf64_Phdr *)(elf + eh->e_phoff) + i;
        if (ph->p_type == type && (ph->p_flags & flags) == flags)
            return ph;
    }
    abort();
}

TEST(placed_and_relocated)
{
    struct libos_image image;
    const char *why;
    u8 *elf = fresh();
    CHECK(file_len > 0);
    CHECK_EQ(libos_image_read(elf, file_len, &image, &why), 0);
    CHECK_EQ(image.relocation_count, 4);
    u64 relro = program_header(elf, PT_GNU_RELRO, 0)->p_vaddr;
    CHECK_EQ(image.access[relro / PAGE_SIZE], SGX_SECINFO_R);
    CHECK_EQ(image.access[image.entry / PAGE_SIZE], SGX_SECINFO_R | SGX_SECINFO_X);
    struct enclave_layout layout = { .magic = ENCLAVE_LAYOUT_MAGIC, .image_start = 0x40000000, .entry = 77 };
    Elf64_Rela first;
    memcpy(&first, image.pages + image.relocations, sizeof(first));
    libos_image_place(&image, &layout);
    u64 value;
    memcpy(&value, image.pages + first.r_offset, sizeof(value));
    CHECK_EQ(value, 0x40000000 + first.r_addend);
    CHECK(memcmp(image.pages + image.layout, &layout, sizeof(layout)) == 0);
    libos_image_free(&image);
    free(elf);
}

TEST(refusals)
{
    const char *why = "";
    u8 *elf = fresh();
    program_header(elf, PT_LOAD, PF_X)->p_flags |= PF_W;
    CHECK_EQ(read_elf(elf, file_len, &why), -ENOEXEC);
    CHECK_STR(why, "a segment is writable and executable");
    free(elf);
    elf = fresh();
    program_header(elf, PT_GNU_STACK, 0)->p_type = PT_INTERP;
    CHECK_EQ(read_elf(elf, file_len, &why), -ENOEXEC);
    CHECK_STR(why, "it asks for an interpreter");
    free(elf);
    elf = fresh();
    ((Elf64_Dyn *)(elf + program_header(elf, PT_DYNAMIC, 0)->p_offset))->d_tag = DT_NEEDED;
    CHECK_EQ(read_elf(elf, file_len, &why), -ENOEXEC);
    CHECK_STR(why, "it needs a shared library");
    free(elf);
}

TEST(every_truncation_is_refused)
{
    const char *why;
    u8 *elf = fresh();
    for (size_t len = 0; len < file_len; len += 1 + len / 64)
        CHECK_EQ(read_elf(elf, len, &why), -ENOEXEC);
    free(elf);
}

// Damage to structures must end in an answer, not in a crash (the sanitizers are the check), and often in a refusal.
TEST(random_damage)
{
    const char *why;
    int refused = 0;
    u8 *elf = fresh();
    for (int i = 0; i < 20000; i++) {
        size_t at[3];
        u8 old[3];
        for (int j = 0; j < 3; j++) {
            at[j] = test_random() % 4 ? test_random() % 0x400 : test_random() % file_len;
            old[j] = elf[at[j]];
            elf[at[j]] = (u8)test_random();
        }
        refused += read_elf(elf, file_len, &why) != 0;
        for (int j = 2; j >= 0; j--)
            elf[at[j]] = old[j];
    }
    CHECK(refused > 1000);
    CHECK_EQ(read_elf(elf, file_len, &why), 0);
    free(elf);
}
