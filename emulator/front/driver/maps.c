// SPDX-License-Identifier: BSD-3-Clause
// mmap, mprotect and munmap where an enclave is concerned. The driver ignores the file offset: a page of the device
// file is chosen by its address, so the offset is rewritten to address - base.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "front/cpu/encl.h"
#include "front/cpu/patch.h"
#include "front/cpu/view.h"
#include "front/driver/life.h"
#include "front/driver/maps.h"
#include "front/os/emu.h"
#include "front/os/remote.h"
#include "front/os/task.h"

static bool may_map(const struct encl *e, u64 start, u64 size, int prot)
{
    if (start < e->base || size > e->size || start - e->base > e->size - size)
        return !e->initialized;
    for (u64 i = 0; i < size / EMU_PAGE; i++) {
        const struct encl_page *p = &e->pages[(start - e->base) / EMU_PAGE + i];
        if (p->state != PAGE_ABSENT && (prot & ~p->max_prot & 7))
            return false;
    }
    return true;
}

static void forget(struct task *t, u64 start, u64 size)
{
    for (struct view *v = t->mm->views; v; v = v->next) {
        u64 from = start > v->encl->base ? start : v->encl->base, end = start + size;
        u64 limit = v->encl->base + v->encl->size;
        if (end > limit)
            end = limit;
        if (from >= end)
            continue;
        view_map(v, (from - v->encl->base) / EMU_PAGE, (end - from) / EMU_PAGE, 0);
        memset(v->applied + (from - v->encl->base) / EMU_PAGE, 0, (end - from) / EMU_PAGE);
    }
    for (struct early_map **link = &t->mm->early; *link;) {
        struct early_map *m = *link;
        if (m->start >= start && m->start + m->size <= start + size) {
            *link = m->next;
            free(m);
        } else {
            link = &m->next;
        }
    }
}

static void add_early(struct task *t, const struct encl *e, u64 start, u64 size, int prot)
{
    struct early_map *m = malloc(sizeof(*m));
    if (!m)
        return;
    *m = (struct early_map){ t->mm->early, start, size, e->ino, prot };
    t->mm->early = m;
}

static void map_device(struct task *t, struct encl *e)
{
    u64 size = (t->regs.rsi + EMU_PAGE - 1) & ~(u64)(EMU_PAGE - 1), flags = t->regs.r10;
    int prot = (int)t->regs.rdx & 7;
    struct user_regs_struct asked = t->regs;
    if ((flags & MAP_TYPE) == MAP_PRIVATE)
        return remote_skip(t, -EINVAL);
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (fixed && e->created && !may_map(e, t->regs.rdi, size, prot))
        return remote_skip(t, -EACCES);
    t->regs.rdx = PROT_NONE;
    t->regs.r9 = e->created && fixed ? t->regs.rdi - e->base : 0;
    long at = remote_finish(t);
    if (at >= 0 || at < -4095) {
        u64 start = (u64)at;
        if (flags & MAP_FIXED)
            forget(t, start, size);
        if (!e->created) {
            add_early(t, e, start, size, prot);
        } else if (start - e->base < e->size && size <= e->size - (start - e->base)) {
            struct view *v = view_get(t->mm, e);
            if (!fixed) {
                u64 args[6] = { start, size, PROT_NONE, MAP_SHARED | MAP_FIXED, t->regs.r8, start - e->base };
                (void)remote_call(t, SYS_mmap, args);
            }
            view_map(v, (start - e->base) / EMU_PAGE, size / EMU_PAGE, (u8)prot | VIEW_MAPPED);
        } else if (e->initialized) {
            u64 args[6] = { start, size };
            (void)remote_call(t, SYS_munmap, args);
            at = -EACCES;
        }
    }
    asked.rax = (u64)at;
    asked.orig_rax = ~0ull;
    t->regs = asked;
    remote_put(t);
}

void on_mmap(struct task *t)
{
    int fd = (int)t->regs.r8;
    u64 flags = t->regs.r10;
    struct encl *e = flags & MAP_ANONYMOUS ? NULL : encl_of_fd(t, fd);
    if (e)
        return map_device(t, e);
    bool code = !(flags & MAP_ANONYMOUS) && (t->regs.rdx & PROT_EXEC) && (flags & MAP_TYPE) == MAP_PRIVATE;
    bool over = (flags & MAP_FIXED) && (t->mm->views || t->mm->early);
    if (!code && !over)
        return;
    u64 size = (t->regs.rsi + EMU_PAGE - 1) & ~(u64)(EMU_PAGE - 1), offset = t->regs.r9;
    long at = remote_finish(t);
    if (at < 0 && at >= -4095)
        return;
    if (over)
        forget(t, (u64)at, size);
    if (code) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
        cpuid_patch(t, (u64)at, size, offset, path);
    }
}

void on_mprotect(struct task *t)
{
    u64 start = t->regs.rdi, size = (t->regs.rsi + EMU_PAGE - 1) & ~(u64)(EMU_PAGE - 1), page;
    int prot = (int)t->regs.rdx & 7;
    for (struct early_map *m = t->mm->early; m; m = m->next)
        if (start >= m->start && start + size <= m->start + m->size) {
            m->prot = prot;
            return remote_skip(t, 0);
        }
    struct view *v = view_at(t->mm, start, &page);
    if (!v)
        return;
    u64 count = size / EMU_PAGE, limit = v->encl->size / EMU_PAGE;
    if (start % EMU_PAGE)
        return remote_skip(t, -EINVAL);
    if (count > limit - page)
        return remote_skip(t, -ENOMEM);
    for (u64 i = 0; i < count; i++)
        if (!(v->vma[page + i] & VIEW_MAPPED))
            return remote_skip(t, -ENOMEM);
    if (!may_map(v->encl, start, size, prot))
        return remote_skip(t, -EACCES);
    int ret = view_protect(v, page, count, (u8)prot);
    struct user_regs_struct asked = t->regs;
    view_lower(t, v->encl, page, count);
    asked.rax = (unsigned long long)ret;
    if (t->at_syscall) {
        t->regs = asked;
        return remote_skip(t, ret);
    }
    asked.orig_rax = ~0ull;
    t->regs = asked;
    remote_put(t);
}

void on_munmap(struct task *t)
{
    u64 start = t->regs.rdi, size = (t->regs.rsi + EMU_PAGE - 1) & ~(u64)(EMU_PAGE - 1);
    if ((!t->mm->views && !t->mm->early) || start % EMU_PAGE || !size)
        return;
    u64 page;
    bool enclave = view_at(t->mm, start, &page) || t->mm->early;
    long ret = remote_finish(t);
    if (ret == 0)
        forget(t, start, size);
    if (ret == 0 && enclave)
        encl_collect();
}

void maps_adopt_early(struct task *t, struct encl *e)
{
    struct view *v = view_get(t->mm, e);
    for (struct early_map **link = &t->mm->early; *link;) {
        struct early_map *m = *link;
        if (m->ino != e->ino) {
            link = &m->next;
            continue;
        }
        if (m->start >= e->base && m->start - e->base < e->size && m->size <= e->size - (m->start - e->base)) {
            u64 args[6] = { m->start, m->size, PROT_NONE, MAP_SHARED | MAP_FIXED, t->regs.rdi, m->start - e->base };
            long ret = remote_call(t, SYS_mmap, args);
            if (ret < 0 && ret >= -4095)
                trace("%d: early mapping: %s", t->tid, strerror((int)-ret));
            view_map(v, (m->start - e->base) / EMU_PAGE, m->size / EMU_PAGE, (u8)m->prot | VIEW_MAPPED);
        }
        *link = m->next;
        free(m);
    }
}
