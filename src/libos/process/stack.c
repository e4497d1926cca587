// SPDX-License-Identifier: BSD-3-Clause
// The initial stack (System V ABI 3.4.1): what getauxval(3) sees is computed here, from nothing the host says.
#include <linux/auxvec.h>

#include "libos/process/stack.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/thread/cred.h"
#include "libos/vm/user.h"
#include "trusted/cpu.h"
#include "trusted/random.h"
#include "trusted/vector.h"

enum { AUX_MAX = AUXV_WORDS / 2, FRAME_EXTRA = 1024 };

struct builder {
    u64 sp;    // strings grow down from the top
    u64 floor; // not below
    u64 *words;
    size_t count;
    int err;
};

static u64 push_bytes(struct builder *b, const void *data, size_t size)
{
    if (b->err)
        return 0;
    if (size > b->sp - b->floor) {
        b->err = -E2BIG;
        return 0;
    }
    b->sp -= size;
    if (copy_to_user((void __user *)b->sp, data, size))
        b->err = -EFAULT;
    return b->sp;
}

static u64 push_string(struct builder *b, const char *text) { return push_bytes(b, text, strlen(text) + 1); }

static void word(struct builder *b, u64 value) { b->words[b->count++] = value; }

static void aux(struct builder *b, u64 type, u64 value)
{
    word(b, type);
    word(b, value);
}

static size_t length(char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

static size_t strings_size(char *const *list)
{
    size_t size = 0;
    for (size_t i = 0; list[i]; i++)
        size += strlen(list[i]) + 1;
    return size;
}

// The strings of a list one behind the other from *at on, which moves behind them; and their addresses.
static void put_list(struct builder *b, char *const *list, u64 *at)
{
    for (size_t i = 0; list[i] && !b->err; i++) {
        size_t size = strlen(list[i]) + 1;
        if (copy_to_user((void __user *)*at, list[i], size))
            b->err = -EFAULT;
        word(b, *at);
        *at += size;
    }
    word(b, 0);
}

static void push_aux(struct builder *b, const struct elf_image *program, const struct elf_image *interpreter,
                     u64 random, u64 platform, u64 execfn, bool secure)
{
    const struct cred *cred = current_cred();
    aux(b, AT_HWCAP, cpu_hwcap());
    aux(b, AT_PAGESZ, PAGE_SIZE);
    aux(b, AT_CLKTCK, 100);
    aux(b, AT_PHDR, program->phdr ? program->phdr + program->bias : 0);
    aux(b, AT_PHENT, 56);
    aux(b, AT_PHNUM, program->phnum);
    aux(b, AT_BASE, interpreter ? interpreter->start + interpreter->bias : 0);
    aux(b, AT_FLAGS, 0);
    aux(b, AT_ENTRY, program->entry + program->bias);
    aux(b, AT_UID, cred->uid);
    aux(b, AT_EUID, cred->euid);
    aux(b, AT_GID, cred->gid);
    aux(b, AT_EGID, cred->egid);
    aux(b, AT_SECURE, secure);
    aux(b, AT_RANDOM, random);
    aux(b, AT_HWCAP2, 0); // FSGSBASE is the LibOS's own
    aux(b, AT_EXECFN, execfn);
    aux(b, AT_PLATFORM, platform);
    aux(b, AT_MINSIGSTKSZ, vector_state_size() + FRAME_EXTRA);
    aux(b, AT_NULL, 0);
}

int stack_fill(u64 top, u64 stack_size, char *const *argv, char *const *envp, const struct elf_image *program,
               const struct elf_image *interpreter, const char *execfn, bool secure, struct memory_layout *ret_layout)
{
    size_t argc = length(argv), words = 1 + argc + 1 + length(envp) + 1 + 2 * AUX_MAX;
    struct builder b = { .sp = top, .floor = top - stack_size / 4, .words = kmalloc(words * sizeof(u64)) };
    u8 random[16];

    if (!b.words)
        return -ENOMEM;
    random_bytes(random, sizeof(random));
    push_bytes(&b, "\0\0\0\0\0\0\0\0", 8);
    u64 execfn_at = push_string(&b, execfn);
    // Arguments, then environment, in rising order without gaps: programs that set their title write over all of it.
    size_t size = strings_size(argv) + strings_size(envp);
    if (size > b.sp - b.floor)
        b.err = -E2BIG;
    u64 strings = b.err ? b.sp : b.sp - size;
    b.sp = strings;
    u64 platform = push_string(&b, "x86_64");
    u64 random_at = push_bytes(&b, random, sizeof(random));
    word(&b, argc);
    ret_layout->arg_start = strings;
    put_list(&b, argv, &strings);
    ret_layout->arg_end = strings;
    put_list(&b, envp, &strings);
    ret_layout->env_end = strings;
    size_t before = b.count;
    push_aux(&b, program, interpreter, random_at, platform, execfn_at, secure);
    ret_layout->auxv_words = (u32)(b.count - before);
    memcpy(ret_layout->auxv, b.words + before, (b.count - before) * sizeof(u64));
    // argc lies 16-byte aligned at the final stack pointer.
    u64 sp = ALIGN_DOWN(b.sp - b.count * sizeof(u64), 16);
    if (!b.err && sp < b.floor)
        b.err = -E2BIG;
    if (!b.err && copy_to_user((void __user *)sp, b.words, b.count * sizeof(u64)))
        b.err = -EFAULT;
    kfree(b.words);
    if (!b.err)
        ret_layout->stack = sp;
    return b.err;
}
