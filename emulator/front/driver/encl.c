// SPDX-License-Identifier: BSD-3-Clause
// The life of an enclave. The driver destroys it, and frees its EPC pages, with the last reference to its open file:
// those are descriptors and mappings. Mappings are known (views); descriptors are looked for when no mapping is left.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/cpu/encl.h"
#include "front/cpu/view.h"
#include "front/driver/epc.h"
#include "front/driver/life.h"
#include "front/driver/script.h"
#include "front/os/emu.h"
#include "front/os/task.h"

struct encl *encl_new(int memfd, u64 dev, u64 ino)
{
    struct encl *e = calloc(1, sizeof(*e));
    if (!e)
        abort();
    e->memfd = memfd;
    e->dev = dev;
    e->ino = ino;
    e->next = emu.enclaves;
    emu.enclaves = e;
    return e;
}

void encl_page_used(struct encl *e, u64 page) { e->chunks[page / CHUNK_PAGES] = 1; }

u64 encl_next_page(const struct encl *e, u64 page)
{
    u64 limit = e->size / EMU_PAGE;
    while (page < limit && !e->chunks[page / CHUNK_PAGES])
        page = (page / CHUNK_PAGES + 1) * CHUNK_PAGES;
    return page < limit ? page : limit;
}

// A page that was never touched is still a hole of the memfd: EADD of zeros and EAUG write nothing.
void encl_count_untouched(struct encl *e)
{
    u64 limit = e->created ? e->size / EMU_PAGE : 0, hole = 0, data = 0;
    for (u64 page = encl_next_page(e, 0); page < limit; page = encl_next_page(e, page + 1)) {
        const struct encl_page *p = &e->pages[page];
        if (p->state != PAGE_LOADED || p->type != SGX_PT_REG || emu.model.epcm[p->epc].pending)
            continue;
        if (page >= data) { // the next hole, and where it ends
            off_t at = lseek(e->memfd, (off_t)(page * EMU_PAGE), SEEK_HOLE), end = lseek(e->memfd, at, SEEK_DATA);
            hole = at < 0 ? limit : (u64)at / EMU_PAGE;
            data = end < 0 ? limit : (u64)end / EMU_PAGE;
        }
        if (page >= hole && page < data)
            ++*(p->added ? &emu.untouched_added : &emu.untouched_accepted);
    }
}

static void drop_view(struct mm *mm, const struct encl *e)
{
    struct view **link = &mm->views;
    while (*link && (*link)->encl != e)
        link = &(*link)->next;
    struct view *v = *link;
    if (!v)
        return;
    *link = v->next;
    view_free(v);
}

static void destroy(struct encl *e)
{
    struct encl **link = &emu.enclaves;
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    if (e->initialized)
        script_dump(e);
    encl_count_untouched(e);
    for (struct task *t = emu.tasks; t; t = t->next) {
        if (t->mm)
            drop_view(t->mm, e);
        if (t->encl == e && !t->cpu.in_enclave)
            t->encl = NULL;
    }
    encl_free_pages(e);
    if (e->mem)
        munmap(e->mem, e->size);
    free(e->chunks);
    if (e->pages)
        munmap(e->pages, e->size / EMU_PAGE * sizeof(struct encl_page));
    close(e->memfd);
    free(e);
    trace("an enclave ends: %u EPC pages in use", emu.used);
}

static bool process_has(pid_t tgid, const struct encl *e)
{
    char path[32];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%d/fd", tgid);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *d; dir && !found && (d = readdir(dir));)
        found = d->d_name[0] != '.' && fstatat(dirfd(dir), d->d_name, &info, 0) == 0 && info.st_ino == e->ino &&
                info.st_dev == e->dev;
    if (dir)
        closedir(dir);
    return found;
}

static bool is_referenced(const struct encl *e)
{
    for (const struct task *t = emu.tasks; t; t = t->next) {
        const struct view *v = t->mm ? view_find(t->mm, e) : NULL;
        if ((v && v->mapped) || (t->cpu.in_enclave && t->encl == e))
            return true;
        for (const struct early_map *m = t->mm ? t->mm->early : NULL; m; m = m->next)
            if (m->ino == e->ino)
                return true;
    }
    pid_t asked = 0; // threads of a process lie together as a rule
    for (const struct task *t = emu.tasks; t; t = t->next)
        if (t->tgid != asked && process_has(asked = t->tgid, e))
            return true;
    return false;
}

void encl_collect(void)
{
    for (struct encl *e = emu.enclaves, *next; e; e = next) {
        next = e->next;
        if (!is_referenced(e))
            destroy(e);
    }
}

struct encl *encl_of_fd(struct task *t, int fd)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
    if (fd < 0 || stat(path, &info) < 0)
        return NULL;
    for (struct encl *e = emu.enclaves; e; e = e->next)
        if (e->ino == info.st_ino && e->dev == info.st_dev)
            return e;
    return NULL;
}
