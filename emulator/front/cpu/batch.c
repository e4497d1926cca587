// SPDX-License-Identifier: BSD-3-Clause
// Several leaves, or several touched pages, in one stop: between them the interpreter executes the program's few
// instructions. Everything else is as if each had stopped: the model executes each leaf, each absent page is augmented.
#include <string.h>
#include <sys/mman.h>

#include "front/cpu/ahead.h"
#include "front/cpu/batch.h"
#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/cpu/view.h"
#include "front/os/emu.h"
#include "front/os/remote.h"

enum { BETWEEN = 128, TOUCHES = 256, WINDOW = 128, TRAP_FLAG = 1 << 8 };

struct batch {
    struct task *t;
    u32 touched;
    u64 window; // code outside: where the bytes are from
    size_t window_size;
    u8 bytes[WINDOW];
};

static void from_regs(struct ahead *a, const struct user_regs_struct *r)
{
    const u64 gpr[16] = { r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                          r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };
    memcpy(a->gpr, gpr, sizeof(gpr));
    a->rip = r->rip;
    a->rflags = r->eflags;
    a->fs_base = r->fs_base;
    a->gs_base = r->gs_base;
}

static void to_regs(const struct ahead *a, struct user_regs_struct *r)
{
    const u64 *g = a->gpr;
    r->rax = g[0], r->rcx = g[1], r->rdx = g[2], r->rbx = g[3], r->rsp = g[4], r->rbp = g[5], r->rsi = g[6],
    r->rdi = g[7];
    r->r8 = g[8], r->r9 = g[9], r->r10 = g[10], r->r11 = g[11], r->r12 = g[12], r->r13 = g[13], r->r14 = g[14],
    r->r15 = g[15];
    r->rip = a->rip;
    r->eflags = a->rflags;
}

// Memory of the enclave the thread is in, as far as the EPCM and the mapping let it.
static u8 *inside(const struct batch *b, u64 address, size_t size, u8 prot)
{
    u64 page;
    const struct view *v = view_at(b->t->mm, address, &page);
    if (!v || v->encl != b->t->encl || address % EMU_PAGE + size > EMU_PAGE || (view_wanted(v, page) & prot) != prot)
        return NULL;
    return v->encl->mem + (address - v->encl->base);
}

static u8 *inside_memory(void *context, u64 address, size_t size, bool write)
{
    return inside(context, address, size, write ? PROT_READ | PROT_WRITE : PROT_READ);
}

static const u8 *inside_code(void *context, u64 address, size_t *ret_size)
{
    *ret_size = EMU_PAGE - address % EMU_PAGE;
    return inside(context, address, 1, PROT_READ | PROT_EXEC);
}

bool batch_next_leaf(struct task *t, bool go_on)
{
    struct batch b = { .t = t };
    struct ahead a = { .context = &b, .memory = inside_memory, .code = inside_code };
    from_regs(&a, &t->regs);
    bool found = false;
    for (u32 i = 0; i < BETWEEN && !(a.rflags & TRAP_FLAG); i++) {
        size_t size;
        const u8 *code = inside_code(&b, a.rip, &size);
        u32 leaf = (u32)a.gpr[0];
        found = code && size >= 3 && !memcmp(code, "\x0f\x01\xd7", 3);
        if (found) {
            found = leaf == ENCLU_EACCEPT || leaf == ENCLU_EACCEPTCOPY || leaf == ENCLU_EMODPE;
            break;
        }
        if (!go_on || !ahead_step(&a))
            break;
    }
    to_regs(&a, &t->regs);
    return found;
}

// Outside only loads from enclave pages are known: they see ones. The program's own memory is left to the CPU.
static u8 *outside_memory(void *context, u64 address, size_t size, bool write)
{
    static u8 ones[8];
    struct batch *b = context;
    u64 page;
    struct view *v = view_at(b->t->mm, address, &page);
    if (!v || write || address % EMU_PAGE + size > EMU_PAGE || !(v->vma[page] & PROT_READ) || v->applied[page])
        return NULL;
    if (v->encl->pages[page].state != PAGE_LOADED && encl_fault(b->t, v, page) < 0)
        return NULL;
    b->touched++;
    memset(ones, 0xff, sizeof(ones));
    return ones;
}

static const u8 *outside_code(void *context, u64 address, size_t *ret_size)
{
    struct batch *b = context;
    if (address < b->window || address - b->window + 15 > b->window_size) {
        b->window = address;
        b->window_size = WINDOW - 15;
        if (remote_read(b->t, address, b->bytes, b->window_size) < 0)
            b->window_size = 0;
    }
    *ret_size = b->window_size - (address - b->window);
    return b->window_size ? b->bytes + (address - b->window) : NULL;
}

void batch_touches(struct task *t)
{
    struct batch b = { .t = t };
    struct ahead a = { .context = &b, .memory = outside_memory, .code = outside_code };
    from_regs(&a, &t->regs);
    u32 seen = 0;
    if (emu.options.no_batch)
        return;
    for (u32 since = 0; since < BETWEEN / 8 && b.touched < TOUCHES && !(a.rflags & TRAP_FLAG); since++) {
        if (!ahead_step(&a))
            break;
        if (b.touched != seen) {
            seen = b.touched;
            since = 0;
        }
    }
    to_regs(&a, &t->regs);
}
