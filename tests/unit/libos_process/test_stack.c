// SPDX-License-Identifier: BSD-3-Clause
#include <linux/auxvec.h>

#include "base/string.h"
#include "fake.h"
#include "libos/process/stack.h"

static const struct elf_image program = { .entry = 0x1040, .phdr = 0x40, .phnum = 9, .bias = 0x10000 };
static const struct elf_image loader = { .start = 0, .entry = 0x500, .bias = 0x70000 };

static const u64 *at(u64 address) { return (const u64 *)(uintptr_t)address; }

static u64 auxv(const u64 *aux, u64 type)
{
    for (; aux[0] != AT_NULL; aux += 2)
        if (aux[0] == type)
            return aux[1];
    return UINT64_MAX;
}

TEST(layout)
{
    char *argv[] = { (char[]){ "prog" }, (char[]){ "" }, (char[]){ "x" }, NULL }, *envp[] = { (char[]){ "A=1" }, NULL };
    u64 top = user_addr(FAKE_USER_SIZE);
    struct memory_layout layout = { 0 };

    fake_reset();
    CHECK_EQ(stack_fill(top, FAKE_USER_SIZE, argv, envp, &program, &loader, "/bin/prog", false, &layout), 0);
    CHECK_EQ(layout.stack % 16, 0);
    const u64 *words = at(layout.stack);
    CHECK_EQ(words[0], 3);
    CHECK_STR((const char *)at(words[1]), "prog");
    CHECK_STR((const char *)at(words[2]), "");
    CHECK_STR((const char *)at(words[3]), "x");
    CHECK_EQ(words[4], 0);
    CHECK_STR((const char *)at(words[5]), "A=1");
    CHECK_EQ(words[6], 0);
    const u64 *aux = words + 7;
    CHECK_EQ(auxv(aux, AT_ENTRY), 0x11040);
    CHECK_EQ(auxv(aux, AT_BASE), 0x70000);
    CHECK_EQ(auxv(aux, AT_PHDR), 0x10040);
    CHECK_EQ(auxv(aux, AT_PHNUM), 9);
    CHECK_EQ(auxv(aux, AT_HWCAP), 0x178bfbff);
    CHECK_EQ(auxv(aux, AT_SECURE), 0);
    CHECK_STR((const char *)at(auxv(aux, AT_EXECFN)), "/bin/prog");
    CHECK_STR((const char *)at(auxv(aux, AT_PLATFORM)), "x86_64");
    const u8 *random = (const u8 *)at(auxv(aux, AT_RANDOM)); // any alignment, as on Linux
    CHECK_EQ(random[0], 0xa5);
    CHECK_EQ(random[15], 0xa5);
    CHECK(auxv(aux, AT_MINSIGSTKSZ) > 832 && auxv(aux, AT_MINSIGSTKSZ) < 4096);
    CHECK_EQ(auxv(aux, AT_SYSINFO_EHDR), -1);
    CHECK_EQ(auxv(aux, 27), -1); // no rseq
    CHECK_EQ(auxv(aux, 28), -1);
}

// One word more than the last changes the padding, never the alignment.
TEST(alignment)
{
    static char text[] = "some argument";
    char *argv[34] = { 0 }, *envp[] = { NULL };
    struct memory_layout layout;

    fake_reset();
    for (int n = 0; n < 33; n++) {
        CHECK_EQ(stack_fill(user_addr(FAKE_USER_SIZE), FAKE_USER_SIZE, argv, envp, &program, NULL, "f", false, &layout),
                 0);
        CHECK_EQ(layout.stack % 16, 0);
        CHECK_EQ(*at(layout.stack), n);
        argv[n] = text + n % 13;
    }
}

TEST(too_big)
{
    static char text[70000];
    char *argv[] = { text, NULL }, *envp[] = { NULL };
    struct memory_layout layout = { .stack = 7 };

    fake_reset();
    memset(text, 'x', sizeof(text) - 1);
    CHECK_EQ(stack_fill(user_addr(FAKE_USER_SIZE), 256 << 10, argv, envp, &program, NULL, "f", false, &layout), -E2BIG);
    CHECK_EQ(layout.stack, 7);
}
