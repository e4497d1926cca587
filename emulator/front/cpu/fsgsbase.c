// SPDX-License-Identifier: BSD-3-Clause
// Kernels that do not offer FSGSBASE (AT_HWCAP2 bit 1): RDFSBASE, WRFSBASE and their kin may well execute there, but
// the next context switch puts back the base the kernel remembers. So they must not execute: in pages that the enclave
// executes, their first byte (F3) becomes INT3, and the supervisor sets the bases by ptrace, which the kernel knows of.
//
// A page is patched when it is first executed, hence after EINIT measured it or EACCEPTCOPY brought it in, and made
// whole again before it is written or an SGX instruction looks at it: while a page is code, no mapping may write it,
// and while it is data, none may execute it, whatever the EPCM allows (view_wanted). Only a page that writes to itself
// gets both rights at once; what is written there later stays unpatched.
#include <Zydis/Zydis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/patch.h"
#include "front/cpu/view.h"
#include "front/os/emu.h"
#include "front/os/remote.h"

enum { CONTEXT = 64, LONGEST = 5, AGREE = 8, TURN_PAGES = 256, INT3 = 0xcc, PREFIX = 0xf3 };

// Where a page was patched: offsets of instructions.
struct patches {
    u32 count;
    u16 at[];
};

bool fsgsbase_of_kernel(void) { return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT; }

bool fsgsbase_offered(void)
{
    const char *hidden = getenv("OCCLUM_NO_FSGSBASE");
    return fsgsbase_of_kernel() && !(hidden && !strcmp(hidden, "1"));
}

// One of the four with a register operand, found in `size` bytes.
struct base_instruction {
    bool write, gs, wide;
    u32 reg, length;
};

static bool parse(const u8 *code, size_t size, struct base_instruction *ret_i)
{
    u8 rex = size > 1 && (code[1] & 0xf0) == 0x40 ? code[1] : 0;
    u32 length = rex ? LONGEST : LONGEST - 1;
    if (size < length || code[length - 3] != 0x0f || code[length - 2] != 0xae)
        return false;
    u8 modrm = code[length - 1];
    if (modrm < 0xc0 || modrm >= 0xe0) // register operand, /0 to /3
        return false;
    *ret_i = (struct base_instruction){
        .write = modrm & 0x10, .gs = modrm & 8, .wide = rex & 8, .reg = (modrm & 7) | (rex & 1u) << 3, .length = length
    };
    return true;
}

static bool decodes(const u8 *code, size_t size)
{
    static ZydisDecoder decoder;
    static bool ready;
    ZydisDecodedInstruction i;
    if (!ready)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code, size, &i)) &&
           (i.mnemonic == ZYDIS_MNEMONIC_RDFSBASE || i.mnemonic == ZYDIS_MNEMONIC_WRFSBASE ||
            i.mnemonic == ZYDIS_MNEMONIC_RDGSBASE || i.mnemonic == ZYDIS_MNEMONIC_WRGSBASE);
}

static bool is_loaded(const struct encl *e, u64 page)
{
    return page < e->size / EMU_PAGE && e->pages[page].state == PAGE_LOADED && e->pages[page].type == SGX_PT_REG;
}

static void remember(struct encl_page *p, u16 at)
{
    u32 count = p->patches ? p->patches->count : 0;
    struct patches *list = realloc(p->patches, sizeof(*list) + (count + 1) * sizeof(list->at[0]));
    if (!list)
        abort();
    list->at[count] = at;
    list->count = count + 1;
    p->patches = list;
}

static bool is_code(const struct encl *e, u64 page) { return is_loaded(e, page) && e->pages[page].code; }

// A page with its surroundings, as they are without patches.
struct original {
    u8 before[CONTEXT], page[EMU_PAGE], after[LONGEST - 1];
};

static void copy_original(const struct encl *e, u64 page, u32 from, u32 size, u8 *to)
{
    const struct patches *list = e->pages[page].patches;
    memcpy(to, e->mem + page * EMU_PAGE + from, size);
    for (u32 i = 0; list && i < list->count; i++)
        if (list->at[i] >= from && list->at[i] < from + size && to[list->at[i] - from] == INT3)
            to[list->at[i] - from] = PREFIX;
}

// Patches the page from offset `from` on. Neighbours are looked at too: the instruction may end in the next page, once
// that is code, and what precedes it tells whether it is one.
static void patch(struct encl *e, u64 page, u32 from)
{
    static struct original o;
    bool has_before = page && is_loaded(e, page - 1), has_after = is_code(e, page + 1);
    struct base_instruction unused;
    copy_original(e, page, 0, EMU_PAGE, o.page);
    if (has_before)
        copy_original(e, page - 1, EMU_PAGE - CONTEXT, CONTEXT, o.before);
    if (has_after)
        copy_original(e, page + 1, 0, sizeof(o.after), o.after);
    const u8 *window = has_before ? o.before : o.page, *at = o.page + from, *end = o.page + EMU_PAGE;
    const u8 *limit = end + (has_after ? sizeof(o.after) : 0);
    for (; (at = memchr(at, PREFIX, (size_t)(end - at))); at++) {
        size_t size = (size_t)(limit - at);
        if (!parse(at, size, &unused) || !decodes(at, size) ||
            !is_instruction(window, (size_t)(limit - window), (size_t)(at - window), AGREE))
            continue;
        remember(&e->pages[page], (u16)(at - o.page));
        e->mem[page * EMU_PAGE + (u64)(at - o.page)] = INT3;
        emu.bases_replaced++;
    }
}

// What was replaced from offset `from` on is itself again.
static void restore(struct encl *e, u64 page, u32 from)
{
    struct encl_page *p = &e->pages[page];
    u8 *start = e->mem + page * EMU_PAGE;
    u32 kept = 0;
    for (u32 i = 0; p->patches && i < p->patches->count; i++) {
        u16 at = p->patches->at[i];
        if (at < from)
            p->patches->at[kept++] = at;
        else if (start[at] == INT3) // the page may have been written to
            start[at] = PREFIX;
    }
    if (p->patches)
        p->patches->count = kept;
}

// An instruction that begins in the page before may have come or gone with this page.
static void redo_tail_before(struct encl *e, u64 page)
{
    if (!page || !is_code(e, page - 1))
        return;
    restore(e, page - 1, EMU_PAGE - LONGEST + 1);
    patch(e, page - 1, EMU_PAGE - LONGEST + 1);
}

static void to_code(struct task *t, struct encl *e, u64 page, u64 count, u8 kind)
{
    for (u64 i = page; i < page + count; i++)
        e->pages[i].code = kind;
    view_lower(t, e, page, count); // nobody writes there while it is patched
    for (u64 i = page; i < page + count; i++) {
        restore(e, i, 0);
        patch(e, i, 0);
    }
    redo_tail_before(e, page);
}

void fsgsbase_to_data(struct task *t, struct encl *e, u64 page)
{
    if (!e->pages[page].code)
        return;
    e->pages[page].code = PAGE_DATA;
    view_lower(t, e, page, 1); // nobody executes it
    fsgsbase_restore(e, page);
    redo_tail_before(e, page);
}

void fsgsbase_restore(struct encl *e, u64 page)
{
    struct encl_page *p = &e->pages[page];
    restore(e, page, 0);
    free(p->patches);
    p->patches = NULL;
    p->code = PAGE_DATA;
}

static u32 rights(const struct view *v, u64 page)
{
    if (!is_loaded(v->encl, page))
        return 0;
    return sgx_epcm_rights(&emu.model.epcm[v->encl->pages[page].epc]);
}

static bool is_plain_code(const struct view *v, u64 page)
{
    u32 writes = 1u << SGX_WRITE, executes = 1u << SGX_EXEC;
    return (v->vma[page] & PROT_EXEC) && (rights(v, page) & (writes | executes)) == executes &&
           !v->encl->pages[page].code;
}

void fsgsbase_turn(struct task *t, struct view *v, u64 page, enum sgx_access access)
{
    struct encl *e = v->encl;
    u64 own = (t->regs.rip - e->base) / EMU_PAGE, last = (t->regs.rip + 14 - e->base) / EMU_PAGE;
    if (emu.bases_native || access == SGX_READ || !is_loaded(e, page))
        return;
    if (access == SGX_WRITE && e->pages[page].code == PAGE_CODE && (page == own || page == last))
        e->pages[page].code = PAGE_MIXED;
    else if (access == SGX_WRITE && e->pages[page].code == PAGE_CODE)
        fsgsbase_to_data(t, e, page);
    else if (access == SGX_EXEC && is_plain_code(v, page)) {
        u64 count = 1;
        while (count < TURN_PAGES && page + count < e->size / EMU_PAGE && is_plain_code(v, page + count))
            count++;
        while (count < TURN_PAGES && page && is_plain_code(v, page - 1))
            page--, count++;
        to_code(t, e, page, count, PAGE_CODE);
    } else if (access == SGX_EXEC && !e->pages[page].code) {
        to_code(t, e, page, 1, PAGE_CODE);
    }
}

u8 fsgsbase_limit(const struct encl_page *p, u8 prot)
{
    if (emu.bases_native || p->code == PAGE_MIXED)
        return prot;
    return prot & (u8) ~(p->code ? PROT_WRITE : PROT_EXEC);
}

void fsgsbase_settle(struct task *t, const struct view *v, u64 page, u64 count)
{
    for (u64 i = page; !emu.bases_native && i < page + count; i++)
        if (v->encl->pages[i].code && !((v->vma[i] & PROT_EXEC) && (rights(v, i) & (1u << SGX_EXEC))))
            fsgsbase_to_data(t, v->encl, i);
}

static bool is_patched(const struct encl_page *p, u16 offset)
{
    for (u32 i = 0; p->patches && i < p->patches->count; i++)
        if (p->patches->at[i] == offset)
            return true;
    return false;
}

static unsigned long long *register_at(struct user_regs_struct *r, u32 number)
{
    unsigned long long *const all[16] = { &r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
                                          &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15 };
    return all[number];
}

enum outcome { NOT_OURS, DONE, AGAIN, TOO_HIGH };

// The kernel lets no base beyond a program's addresses be set; the CPU would take those of the upper half too.
#define BASE_LIMIT ((1ull << 47) - EMU_PAGE)

static enum outcome execute(struct task *t, u64 address)
{
    u64 page;
    struct base_instruction i;
    const struct view *v = emu.bases_native || !t->cpu.in_enclave ? NULL : view_at(t->mm, address, &page);
    if (!v || v->encl != t->encl || !is_loaded(v->encl, page))
        return NOT_OURS;
    struct encl *e = v->encl;
    const u8 *code = e->mem + (address - e->base);
    if (*code == PREFIX) // it was made whole after the thread met the INT3
        return AGAIN;
    if (!is_patched(&e->pages[page], (u16)(address % EMU_PAGE)))
        return NOT_OURS;
    if (address % EMU_PAGE + LONGEST > EMU_PAGE && !is_code(e, page + 1)) {
        restore(e, page, EMU_PAGE - LONGEST + 1); // its end is no code any more: a page fault of its own
        return AGAIN;
    }
    if (!parse(code, LONGEST, &i))
        return NOT_OURS;
    unsigned long long *r = register_at(&t->regs, i.reg), *base = i.gs ? &t->regs.gs_base : &t->regs.fs_base;
    u64 value = i.write ? *r : *base;
    if (!i.wide)
        value = (u32)value;
    if (i.write && value >= BASE_LIMIT)
        return TOO_HIGH;
    *(i.write ? base : r) = value;
    t->regs.rip = address + i.length;
    emu.bases_executed++;
    return DONE;
}

bool fsgsbase_on_int3(struct task *t, siginfo_t *info, bool *ret_handled)
{
    u64 address = t->regs.rip - 1;
    enum outcome outcome = execute(t, address);
    if (outcome == NOT_OURS)
        return false;
    if (outcome != DONE)
        t->regs.rip = address;
    *ret_handled = true;
    if (outcome == TOO_HIGH)
        *ret_handled = deliver_exception(t, SGX_GP, 0, 0, info);
    else
        remote_put(t);
    return true;
}
