// SPDX-License-Identifier: BSD-3-Clause
// The host's page tables follow: rights of the mapping AND rights of the EPCM, nothing for a page that is absent,
// PENDING, MODIFIED, of another type than REG, or evicted. Rights are taken away at once and given at the fault,
// then to the whole run of neighbours that are due the same, so that a heap costs few mprotect calls and few VMAs.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/cpu/encl.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/os/borrow.h"
#include "front/os/emu.h"
#include "front/os/remote.h"

enum { RAISE_PAGES = 1024 };

struct view *view_find(struct mm *mm, const struct encl *e)
{
    for (struct view *v = mm->views; v; v = v->next)
        if (v->encl == e)
            return v;
    return NULL;
}

static u8 *lazy_bytes(u64 size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

struct view *view_get(struct mm *mm, struct encl *e)
{
    struct view *v = view_find(mm, e);
    if (v)
        return v;
    v = calloc(1, sizeof(*v));
    if (!v)
        abort();
    v->encl = e;
    v->vma = lazy_bytes(e->size / EMU_PAGE);
    v->applied = lazy_bytes(e->size / EMU_PAGE);
    v->next = mm->views;
    mm->views = v;
    return v;
}

void view_free(struct view *v)
{
    munmap(v->vma, v->encl->size / EMU_PAGE);
    munmap(v->applied, v->encl->size / EMU_PAGE);
    free(v);
}

// Does a mapping go on at this page, begun before it?
static bool continues(const struct view *v, u64 page)
{
    return page < v->encl->size / EMU_PAGE && (v->vma[page] & VIEW_MAPPED) && !(v->vma[page] & VIEW_START);
}

static void start_mapping(struct view *v, u64 page)
{
    if (!continues(v, page))
        return;
    v->vma[page] |= VIEW_START;
    v->mappings++;
}

void view_map(struct view *v, u64 page, u64 count, u8 vma)
{
    for (u64 i = page; i < page + count; i++) {
        v->mapped -= (v->vma[i] & VIEW_MAPPED) != 0;
        v->mappings -= (v->vma[i] & VIEW_START) != 0;
    }
    memset(v->vma + page, vma, count);
    v->mapped += vma & VIEW_MAPPED ? count : 0;
    if (vma & VIEW_MAPPED)
        start_mapping(v, page);
    start_mapping(v, page + count); // what was cut off
}

// One piece of a mapping, [page, end), inside a range that is to have prot.
static int protect_piece(struct view *v, u64 page, u64 end, u8 prot)
{
    bool splits = !(v->vma[page] & VIEW_START), more = continues(v, end);
    if ((v->vma[page] & 7) == prot)
        return 0;
    if (splits + more && v->mappings + splits + more > emu.options.max_map_count)
        return -ENOMEM;
    start_mapping(v, page);
    if (more)
        start_mapping(v, end);
    for (u64 i = page; i < end; i++)
        v->vma[i] = (u8)((v->vma[i] & ~7u) | prot);
    return 0;
}

int view_protect(struct view *v, u64 page, u64 count, u8 prot)
{
    int ret = 0;
    for (u64 i = page, end; !ret && i < page + count; i = end) {
        end = i + 1;
        while (end < page + count && !(v->vma[end] & VIEW_START))
            end++;
        ret = protect_piece(v, i, end, prot);
    }
    return ret;
}

struct view *view_at(struct mm *mm, u64 address, u64 *ret_page)
{
    for (struct view *v = mm->views; v; v = v->next) {
        if (address - v->encl->base >= v->encl->size)
            continue;
        u64 page = (address - v->encl->base) / EMU_PAGE;
        if (!(v->vma[page] & VIEW_MAPPED))
            continue;
        *ret_page = page;
        return v;
    }
    return NULL;
}

u8 view_wanted(const struct view *v, u64 page)
{
    const struct encl_page *p = &v->encl->pages[page];
    if (!(v->vma[page] & VIEW_MAPPED) || p->state != PAGE_LOADED)
        return 0;
    u32 rights = sgx_epcm_rights(&emu.model.epcm[p->epc]);
    u8 prot = 0;
    if (rights & (1u << SGX_READ))
        prot |= PROT_READ;
    if (rights & (1u << SGX_WRITE))
        prot |= PROT_WRITE;
    if (rights & (1u << SGX_EXEC))
        prot |= PROT_EXEC;
    return fsgsbase_limit(p, prot & v->vma[page]);
}

static void protect(struct task *t, struct view *v, u64 page, u64 count, u8 prot)
{
    u64 args[6] = { v->encl->base + page * EMU_PAGE, count * EMU_PAGE, prot };
    long ret = remote_call(t, SYS_mprotect, args);
    if (ret < 0 && !t->dead)
        trace("%d: mprotect of enclave pages failed: %s", t->tid, strerror((int)-ret));
    memset(v->applied + page, prot, count);
}

static bool is_too_high(const struct view *v, u64 page, u64 count)
{
    for (u64 i = page; i < page + count; i++)
        if (v->applied[i] & ~view_wanted(v, i))
            return true;
    return false;
}

static void lower(struct task *t, struct view *v, u64 page, u64 count)
{
    for (u64 i = page; i < page + count;) {
        if (!(v->applied[i] & ~view_wanted(v, i))) {
            i++;
            continue;
        }
        u8 prot = view_wanted(v, i) & v->applied[i];
        u64 end = i + 1;
        while (end < page + count && v->applied[end] && (view_wanted(v, end) & v->applied[end]) == prot)
            end++;
        protect(t, v, i, end - i, prot);
        i = end;
    }
}

void view_lower(struct task *t, struct encl *e, u64 page, u64 count)
{
    struct loan loan;
    for (struct task *u = emu.tasks; u; u = u->next) {
        struct view *v = u->mm ? view_find(u->mm, e) : NULL;
        if (!v || !is_too_high(v, page, count))
            continue;
        if (u->mm == t->mm) {
            lower(t, v, page, count);
        } else if (mm_borrow(u->mm, &loan)) {
            lower(loan.task, v, page, count);
            mm_return(&loan);
        } else {
            trace("%d: rights taken from the enclave are not taken here: no thread stops", u->tid);
        }
    }
    const struct view *own = view_find(t->mm, e);
    if (own)
        fsgsbase_settle(t, own, page, count);
}

void view_raise(struct task *t, struct view *v, u64 page)
{
    u8 prot = view_wanted(v, page);
    u64 start = page, end = page + 1, limit = v->encl->size / EMU_PAGE;
    while (start > 0 && page - start < RAISE_PAGES && v->applied[start - 1] != prot &&
           view_wanted(v, start - 1) == prot)
        start--;
    while (end < limit && end - page < RAISE_PAGES && v->applied[end] != prot && view_wanted(v, end) == prot)
        end++;
    protect(t, v, start, end - start, prot);
}

void view_hide(struct task *t, struct encl *e)
{
    struct view *v = view_find(t->mm, e);
    for (const struct task *other = emu.tasks; other; other = other->next)
        if (other != t && other->mm == t->mm && other->cpu.in_enclave && other->encl == e)
            return;
    u64 limit = v ? e->size / EMU_PAGE : 0;
    for (u64 i = 0, end; i < limit; i = end) {
        const u8 *next = v->applied + i; // most of a large enclave is 0
        while (next < v->applied + limit && !*next)
            next++;
        end = i = (u64)(next - v->applied);
        while (end < limit && v->applied[end])
            end++;
        if (end > i)
            protect(t, v, i, end - i, 0);
    }
}
