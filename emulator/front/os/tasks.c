// SPDX-License-Identifier: BSD-3-Clause
// Threads, address spaces and signal tables of the traced programs.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front/os/task.h"

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
    mm_put(t->mm);
    actions_put(t->actions);
    free(t);
}

void actions_put(struct actions *a)
{
    if (a && !--a->refs)
        free(a);
}
