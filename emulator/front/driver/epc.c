// SPDX-License-Identifier: BSD-3-Clause
// EPC pages: free list, version arrays, and the reclaimer (EBLOCK, ETRACK, EWB; ELDU at the next use).
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "front/cpu/encl.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/driver/driver.h"
#include "front/driver/epc.h"
#include "front/driver/life.h"
#include "front/os/emu.h"

enum { VA_SLOTS = 512, RECLAIM_BATCH = 32 };

struct va_page {
    struct va_page *next;
    u32 epc;
    u8 used[VA_SLOTS];
};

struct swapped {
    u8 data[EMU_PAGE] __attribute__((aligned(64)));
    struct sgx_pcmd pcmd;
    u64 va_slot; // EPC address
};

int epc_init(void)
{
    emu.pages = (u32)(emu.options.epc_bytes / EMU_PAGE);
    emu.frame_owner = calloc(emu.pages, sizeof(*emu.frame_owner));
    emu.free_list = malloc(emu.pages * sizeof(u32));
    emu.special = mmap(NULL, (u64)emu.pages * EMU_PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!emu.frame_owner || !emu.free_list || emu.special == MAP_FAILED)
        return -ENOMEM;
    for (u32 i = 0; i < emu.pages; i++)
        emu.free_list[i] = emu.pages - 1 - i;
    return 0;
}

u8 *ops_page(void *front, u32 index, const struct sgx_epcm *epcm)
{
    const struct encl *e = emu.frame_owner[index];
    if (epcm->type == SGX_PT_SECS || epcm->type == SGX_PT_VA || !e)
        return emu.special + (u64)index * EMU_PAGE;
    return e->mem + (epcm->linaddr - e->base);
}

void ops_walk(void *front, const struct sgx_cpu *cpu, u64 linaddr, struct sgx_pte *ret_pte)
{
    struct task *t = (struct task *)(uintptr_t)((const char *)cpu - offsetof(struct task, cpu));
    u64 page;
    memset(ret_pte, 0, sizeof(*ret_pte));
    struct view *v = view_at(t->mm, linaddr, &page);
    if (!v || v->encl->pages[page].state != PAGE_LOADED)
        return;
    u8 prot = v->vma[page];
    ret_pte->present = (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0;
    ret_pte->writable = prot & PROT_WRITE;
    ret_pte->executable = prot & PROT_EXEC;
    ret_pte->is_epc = true;
    ret_pte->page = v->encl->pages[page].epc;
}

void epc_free(u32 index)
{
    emu.frame_owner[index] = NULL;
    emu.free_list[emu.pages - emu.used] = index;
    emu.used--;
}

static u64 va_slot_take(struct encl *e)
{
    for (struct va_page *va = e->va; va; va = va->next)
        for (u32 i = 0; i < VA_SLOTS; i++)
            if (!va->used[i]) {
                va->used[i] = 1;
                return (u64)va->epc * EMU_PAGE + i * 8ull;
            }
    return UINT64_MAX;
}

static void va_slot_put(struct encl *e, u64 slot)
{
    for (struct va_page *va = e->va; va; va = va->next)
        if (va->epc == slot / EMU_PAGE)
            va->used[slot % EMU_PAGE / 8] = 0;
}

static bool may_evict(const struct encl_page *p) { return p->state == PAGE_LOADED; }

static void evict(struct task *t, struct encl *e, u64 page)
{
    struct encl_page *p = &e->pages[page];
    struct swapped *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
    u64 slot = s ? va_slot_take(e) : UINT64_MAX;
    if (slot == UINT64_MAX) {
        free(s);
        return;
    }
    struct sgx_page_args args = { .srcpge = s->data, .pcmd = &s->pcmd, .secs = SGX_NO_SECS };
    fsgsbase_restore(e, page);
    memset(&s->pcmd, 0, sizeof(s->pcmd));
    struct sgx_result r = sgx_ewb(&emu.model, &args, (u64)p->epc * EMU_PAGE, slot);
    if (r.vector || r.rax) {
        trace("EWB failed: vector %u, code %lu", r.vector, r.rax);
        va_slot_put(e, slot);
        free(s);
        return;
    }
    s->va_slot = slot;
    p->swap = s;
    p->state = PAGE_EVICTED;
    epc_free(p->epc);
    memset(e->mem + page * EMU_PAGE, 0, EMU_PAGE);
    emu.evictions++;
}

// Takes a run of up to RECLAIM_BATCH loaded pages of an enclave by a clock; false if there was none.
static bool reclaim_from(struct task *t, struct encl *e)
{
    u64 limit = e->size / EMU_PAGE, start = e->clock, count = 0;
    for (u32 round = 0; round < 2; round++) { // from the clock's hand to the end, then from the start
        start = encl_next_page(e, start);
        while (start < limit && !may_evict(&e->pages[start]))
            start = encl_next_page(e, start + 1);
        if (start < limit)
            break;
        start = 0;
    }
    while (start + count < limit && count < RECLAIM_BATCH && may_evict(&e->pages[start + count]))
        count++;
    e->clock = start + count < limit ? start + count : 0;
    if (!count)
        return false;
    u32 before = emu.used;
    struct loans loans;
    if (!encl_borrow(t, e, &loans))
        return false;
    for (u64 i = 0; i < count; i++) {
        struct sgx_result r = sgx_eblock(&emu.model, (u64)e->pages[start + i].epc * EMU_PAGE);
        if (r.vector || r.rax)
            trace("EBLOCK: vector %u, code %lu", r.vector, r.rax);
    }
    encl_track(t, e);
    for (u64 i = 0; i < count; i++)
        evict(t, e, start + i);
    view_lower(t, e, start, count);
    encl_return(&loans);
    return emu.used < before;
}

u32 epc_alloc(struct task *t, struct encl *owner)
{
    if (emu.used == emu.pages)
        encl_collect();
    while (emu.used == emu.pages) {
        bool any = false;
        for (struct encl *e = emu.enclaves; e && !any; e = e->next)
            any = e->created && reclaim_from(t, e);
        if (!any)
            return SGX_NO_PAGE;
    }
    u32 index = emu.free_list[emu.pages - ++emu.used];
    if (emu.used > emu.peak)
        emu.peak = emu.used;
    emu.frame_owner[index] = owner;
    return index;
}

int encl_va_reserve(struct task *t, struct encl *e)
{
    if (e->driver_pages++ % VA_SLOTS)
        return 0;
    struct va_page *va = calloc(1, sizeof(*va));
    u32 index = va ? epc_alloc(t, e) : SGX_NO_PAGE;
    if (index == SGX_NO_PAGE) {
        free(va);
        e->driver_pages--;
        return -ENOMEM;
    }
    struct sgx_result r = sgx_epa(&emu.model, SGX_PT_VA, (u64)index * EMU_PAGE);
    if (r.vector)
        trace("EPA: vector %u", r.vector);
    va->epc = index;
    va->next = e->va;
    e->va = va;
    return 0;
}

void encl_va_release(struct encl *e)
{
    struct va_page *va = e->va;
    if (--e->driver_pages % VA_SLOTS)
        return;
    e->va = va->next;
    (void)sgx_eremove(&emu.model, (u64)va->epc * EMU_PAGE);
    epc_free(va->epc);
    free(va);
}

int epc_load(struct task *t, struct encl *e, u64 page)
{
    struct encl_page *p = &e->pages[page];
    if (p->state != PAGE_EVICTED)
        return 0;
    u32 index = epc_alloc(t, e);
    if (index == SGX_NO_PAGE)
        return -ENOMEM;
    struct swapped *s = p->swap;
    struct sgx_page_args args = {
        .linaddr = e->base + page * EMU_PAGE, .srcpge = s->data, .pcmd = &s->pcmd, .secs = (u64)e->secs * EMU_PAGE
    };
    struct sgx_result r = sgx_eld(&emu.model, &args, (u64)index * EMU_PAGE, s->va_slot, false);
    if (r.vector || r.rax) {
        trace("ELDU failed: vector %u, code %lu", r.vector, r.rax);
        epc_free(index);
        return -EFAULT;
    }
    va_slot_put(e, s->va_slot);
    free(s);
    p->swap = NULL;
    p->epc = index;
    p->state = PAGE_LOADED;
    return 0;
}

void encl_free_pages(struct encl *e)
{
    if (!e->created)
        return;
    for (u64 i = encl_next_page(e, 0); i < e->size / EMU_PAGE; i = encl_next_page(e, i + 1)) {
        struct encl_page *p = &e->pages[i];
        if (p->state == PAGE_LOADED) {
            (void)sgx_eremove(&emu.model, (u64)p->epc * EMU_PAGE);
            epc_free(p->epc);
        }
        free(p->patches);
        free(p->swap);
    }
    (void)sgx_eremove(&emu.model, (u64)e->secs * EMU_PAGE);
    epc_free(e->secs);
    while (e->va) {
        struct va_page *va = e->va;
        e->va = va->next;
        (void)sgx_eremove(&emu.model, (u64)va->epc * EMU_PAGE);
        epc_free(va->epc);
        free(va);
    }
}
