// SPDX-License-Identifier: BSD-3-Clause
#include <linux/elf.h>

#include "base/string.h"
#include "fake.h"
#include "libos/process/elf_load.h"

enum { SIZE = 8192 };
static u8 bytes[SIZE];
static struct file file = { bytes, SIZE };

static Elf64_Ehdr *header(void) { return (Elf64_Ehdr *)bytes; }
static Elf64_Phdr *segment(int i) { return (Elf64_Phdr *)(bytes + 64) + i; }

static void make_program(u16 type)
{
    fake_reset();
    memset(bytes, 0, sizeof(bytes));
    *header() = (Elf64_Ehdr){ .e_type = type,
                              .e_machine = EM_X86_64,
                              .e_entry = 0x400100,
                              .e_phoff = 64,
                              .e_phentsize = sizeof(Elf64_Phdr),
                              .e_phnum = 3 };
    memcpy(header()->e_ident, "\177ELF\2\1\1", 7);
    *segment(0) = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = 0x1000, .p_memsz = 0x1000
    };
    *segment(1) = (Elf64_Phdr){ .p_type = PT_LOAD,
                                .p_flags = PF_R | PF_W,
                                .p_offset = 0x1000,
                                .p_vaddr = 0x402000,
                                .p_filesz = 0x800,
                                .p_memsz = 0x3000 };
    *segment(2) = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x700, .p_filesz = 9 };
    memcpy(bytes + 0x700, "/lib/ld.", 9);
}

TEST(good_program)
{
    struct elf_image image;
    make_program(ET_DYN);
    CHECK_EQ(elf_image_open(&file, &image), 0);
    CHECK_EQ(image.start, 0x400000);
    CHECK_EQ(image.end, 0x405000);
    CHECK_EQ(image.phdr, 0x400040);
    CHECK_STR(image.interpreter, "/lib/ld.");
    CHECK_EQ(elf_image_map(&image, NULL, NULL), 0);
    CHECK_EQ(image.bias, GIB(16) - 0x400000);
    CHECK_EQ(fake_maps, 4); // the span, two file parts, the pages of .bss
    make_program(ET_EXEC);
    CHECK_EQ(elf_image_open(&file, &image), 0);
    CHECK_EQ(elf_image_map(&image, NULL, NULL), 0);
    CHECK_EQ(image.bias, 0);
}

TEST(refused)
{
    struct elf_image image;
    make_program(ET_DYN);
    header()->e_machine = 3;
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    segment(0)->p_filesz = 0x2000; // more than in memory
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    segment(1)->p_memsz = UINT64_MAX - 0x1000;
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    segment(1)->p_vaddr = 0x400000; // overlaps the first
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    segment(1)->p_offset = 0x1001; // not congruent
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    segment(2)->p_offset = UINT64_MAX - 4;
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    header()->e_phoff = UINT64_MAX - 8;
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    make_program(ET_DYN);
    header()->e_entry = 0x500000;
    CHECK_EQ(elf_image_open(&file, &image), -ENOEXEC);
    CHECK_EQ(fake_bad_calls, 0);
}

// Whatever the headers say, what reaches the address space and the file is well formed and inside the reserved span.
TEST(mutated_headers)
{
    u64 loaded = 0;
    for (int run = 0; run < 100000; run++) {
        struct elf_image image;
        make_program(run & 1 ? ET_DYN : ET_EXEC);
        for (u64 n = test_random() % 4 + 1; n; n--) {
            size_t at = test_random() % (64 + 3 * sizeof(Elf64_Phdr));
            u64 value = test_random() & 1 ? test_random() : test_random() & 0xff;
            memcpy(bytes + at, &value, test_random() % 8 + 1);
        }
        if (elf_image_open(&file, &image))
            continue;
        CHECK(image.start < image.end && image.end <= 1ull << 47);
        CHECK(image.entry >= image.start && image.entry < image.end);
        CHECK(strnlen(image.interpreter, sizeof(image.interpreter)) < sizeof(image.interpreter));
        loaded += elf_image_map(&image, NULL, NULL) == 0;
        CHECK_EQ(fake_bad_calls, 0);
    }
    CHECK(loaded > 1000); // the mutations are not all refused at the door
}

// The file changes between the check and the mapping.
TEST(changed_between)
{
    struct elf_image image;
    make_program(ET_DYN);
    CHECK_EQ(elf_image_open(&file, &image), 0);
    segment(1)->p_vaddr = 0x800000;
    CHECK_EQ(elf_image_map(&image, NULL, NULL), -ENOEXEC);
}
