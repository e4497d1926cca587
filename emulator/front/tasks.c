// SPDX-License-Identifier: BSD-3-Clause
// Threads, address spaces and signal tables of the traced programs.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emu.h"

struct task *task_find(pid_t tid)
{
    for (struct task *t = emu.tasks; t; t = t->next)
        if (t->tid == tid)
            return t;
    return NULL;
}

struct task *task_add(pid_t tid)
{
    struct task *t = aligned_alloc(64, (sizeof(*t) + 63) / 64 * 64);
    if (!t)
        abort();
    memset(t, 0, sizeof(*t));
    t->tid = t->tgid = tid;
    t->next = emu.tasks;
    emu.tasks = t;
    return t;
}

void task_remove(struct task *t)
{
    struct task **link = &emu.tasks;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    if (t->cpu.in_enclave)
        sgx_abandon(&emu.model, &t->cpu);
    bool last = t->mm && t->mm->refs == 1;
    mm_put(t->mm);
    actions_put(t->actions);
    free(t);
    if (last)
        encl_collect();
}

struct mm *mm_new(void)
{
    struct mm *mm = calloc(1, sizeof(*mm));
    if (!mm)
        abort();
    mm->refs = 1;
    mm->memory = -1;
    return mm;
}

struct mm *mm_copy(const struct mm *from)
{
    struct mm *mm = mm_new();
    mm->image = from->image;
    mm->filtered = from->filtered;
    memcpy(mm->procmem_fds, from->procmem_fds, sizeof(mm->procmem_fds));
    for (const struct view *v = from->views; v; v = v->next) {
        struct view *copy = view_get(mm, v->encl);
        memcpy(copy->vma, v->vma, v->encl->size / EMU_PAGE);
        memcpy(copy->applied, v->applied, v->encl->size / EMU_PAGE);
        copy->mapped = v->mapped;
        copy->mappings = v->mappings;
    }
    for (const struct early_map *e = from->early; e; e = e->next) {
        struct early_map *copy = malloc(sizeof(*copy));
        if (!copy)
            abort();
        *copy = *e;
        copy->next = mm->early;
        mm->early = copy;
    }
    if (from->patched_count) {
        mm->patched = malloc(from->patched_count * sizeof(u64));
        if (!mm->patched)
            abort();
        memcpy(mm->patched, from->patched, from->patched_count * sizeof(u64));
        mm->patched_count = from->patched_count;
    }
    return mm;
}

void mm_put(struct mm *mm)
{
    if (!mm || --mm->refs)
        return;
    while (mm->views) {
        struct view *v = mm->views;
        mm->views = v->next;
        view_free(v);
    }
    while (mm->early) {
        struct early_map *next = mm->early->next;
        free(mm->early);
        mm->early = next;
    }
    if (mm->memory >= 0)
        close(mm->memory);
    free(mm->patched);
    free(mm);
}

void actions_put(struct actions *a)
{
    if (a && !--a->refs)
        free(a);
}
