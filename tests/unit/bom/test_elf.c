// SPDX-License-Identifier: BSD-3-Clause
#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "bom/elf_needs.h"
#include "fixture.h"
#include "test.h"

static const struct elf_wish all = { .needed = { "libone.so", "libtwo.so.2", NULL },
                                     .soname = "libself.so",
                                     .rpath = "/a:/b",
                                     .runpath = "$ORIGIN/../lib",
                                     .interpreter = "/lib64/ld.so",
                                     .flags_1 = DF_1_NODEFLIB };

static enum elf_kind read_bytes(struct arena *arena, const void *bytes, size_t size, struct elf_needs *needs)
{
    const char *why = NULL;
    int fd = fixture_file(bytes, size);
    enum elf_kind kind = elf_needs_read(arena, fd, needs, &why);
    close(fd);
    return kind;
}

TEST(everything_is_read)
{
    u8 bytes[ELF_SIZE_MAX];
    struct arena arena = { 0 };
    struct elf_needs needs;
    size_t size = fixture_elf(&all, bytes);
    CHECK_EQ(read_bytes(&arena, bytes, size, &needs), ELF_X86_64);
    CHECK_EQ(needs.needed.count, 2);
    CHECK_STR(needs.needed.items[0], "libone.so");
    CHECK_STR(needs.needed.items[1], "libtwo.so.2");
    CHECK_STR(needs.soname, "libself.so");
    CHECK_STR(needs.rpath, "/a:/b");
    CHECK_STR(needs.runpath, "$ORIGIN/../lib");
    CHECK_STR(needs.interpreter, "/lib64/ld.so");
    CHECK(needs.no_default && needs.is_library);
    arena_free(&arena);
}

TEST(a_long_run_path)
{
    static char path[3000];
    u8 bytes[ELF_SIZE_MAX];
    struct arena arena = { 0 };
    struct elf_needs needs;
    memset(path, 'x', sizeof(path) - 1);
    struct elf_wish wish = { .runpath = path };
    size_t size = fixture_elf(&wish, bytes);
    CHECK_EQ(read_bytes(&arena, bytes, size, &needs), ELF_X86_64);
    CHECK_STR(needs.runpath, path);
    arena_free(&arena);
}

TEST(other_files)
{
    u8 bytes[ELF_SIZE_MAX];
    struct arena arena = { 0 };
    struct elf_needs needs;
    size_t size = fixture_elf(&all, bytes);
    CHECK_EQ(read_bytes(&arena, "#!/bin/sh\n", 10, &needs), ELF_OTHER);
    CHECK_EQ(read_bytes(&arena, "", 0, &needs), ELF_OTHER);
    bytes[EI_CLASS] = ELFCLASS32;
    CHECK_EQ(read_bytes(&arena, bytes, size, &needs), ELF_FOREIGN);
    size = fixture_elf(&(struct elf_wish){ .type = ET_REL }, bytes);
    CHECK_EQ(read_bytes(&arena, bytes, size, &needs), ELF_FOREIGN);
    size = fixture_elf(&(struct elf_wish){ .type = ET_EXEC }, bytes);
    CHECK_EQ(read_bytes(&arena, bytes, size, &needs), ELF_X86_64);
    CHECK(!needs.is_library && !needs.interpreter && needs.needed.count == 0);
    arena_free(&arena);
}

TEST(a_folder_is_no_file)
{
    struct arena arena = { 0 };
    struct elf_needs needs;
    const char *why;
    int pipes[2];
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(elf_needs_read(&arena, pipes[0], &needs, &why), ELF_OTHER);
    close(pipes[0]);
    close(pipes[1]);
}

// Every shorter file is refused, or is another kind of file; none is taken for the whole one.
TEST(cut_at_every_byte)
{
    u8 bytes[ELF_SIZE_MAX];
    struct elf_needs needs;
    size_t size = fixture_elf(&all, bytes);
    for (size_t cut = 0; cut < size; cut++) {
        struct arena arena = { 0 };
        enum elf_kind kind = read_bytes(&arena, bytes, cut, &needs);
        CHECK_EQ(kind, cut < 4 ? ELF_OTHER : ELF_BROKEN);
        arena_free(&arena);
    }
}

TEST(numbers_that_wrap)
{
    static const size_t places[] = { offsetof(Elf64_Ehdr, e_phoff),
                                     sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset),
                                     sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz),
                                     sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_vaddr),
                                     sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_offset),
                                     sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_filesz),
                                     0x208,
                                     0x218,
                                     0x228,
                                     0x238,
                                     0x248,
                                     0x258,
                                     0x268,
                                     0x278 };
    static const u64 values[] = {
        0, 1, 0x7fffffffffffffff, 0x8000000000000000, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 0x600, 1 << 20
    };
    u8 bytes[ELF_SIZE_MAX];
    struct elf_needs needs;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
            struct arena arena = { 0 };
            size_t size = fixture_elf(&all, bytes);
            memcpy(bytes + places[i], &values[k], 8);
            CHECK(read_bytes(&arena, bytes, size, &needs) != ELF_OTHER);
            arena_free(&arena);
        }
}

TEST(damaged_files_do_not_crash)
{
    u8 bytes[ELF_SIZE_MAX];
    struct elf_needs needs;
    unsigned kinds[4] = { 0 };
    for (unsigned round = 0; round < 20000; round++) {
        struct arena arena = { 0 };
        size_t size = fixture_elf(&all, bytes);
        for (u64 n = test_random() % 6; n < 6; n++)
            bytes[test_random() % (test_random() % 2 ? 0x140 : size)] = (u8)test_random();
        kinds[read_bytes(&arena, bytes, size, &needs)]++;
        arena_free(&arena);
    }
    CHECK(kinds[ELF_BROKEN] > 100 && kinds[ELF_X86_64] > 100);
}
