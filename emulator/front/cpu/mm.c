// SPDX-License-Identifier: BSD-3-Clause
// Address spaces: what they map of enclaves goes with them.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/cpu/view.h"
#include "front/os/emu.h"
#include "front/os/task.h"

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
