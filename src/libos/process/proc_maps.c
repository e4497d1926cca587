// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/maps, smaps and smaps_rollup (proc(5)).
#include "base/string.h"
#include "libos/process/proc_stat.h"

enum { NAME_COLUMN = 73 };

// What smaps tells of an area, in kB, or of all together.
struct counts {
    u64 size, rss, shared_clean, shared_dirty, private_clean, private_dirty, anonymous;
};

static struct counts counts_of(const struct vm_area_info *area)
{
    u64 rss = area->resident * (PAGE_SIZE / 1024);
    bool writable = area->prot & PROT_WRITE;
    return (struct counts){
        .size = (area->end - area->start) / 1024,
        .rss = rss,
        .shared_clean = area->shared && !writable ? rss : 0,
        .shared_dirty = area->shared && writable ? rss : 0,
        .private_clean = !area->shared && area->file && !writable ? rss : 0,
        .private_dirty = !area->shared && (!area->file || writable) ? rss : 0,
        .anonymous = area->file ? 0 : rss,
    };
}

static void write_line(struct proc_text *t, const struct vm_area_info *area)
{
    size_t begin = t->len;
    proc_print(t, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu ", area->start, area->end, area->prot & PROT_READ ? 'r' : '-',
               area->prot & PROT_WRITE ? 'w' : '-', area->prot & PROT_EXEC ? 'x' : '-', area->shared ? 's' : 'p',
               area->offset, area->inode);
    if (area->name[0])
        proc_print(t, "%*s%s", (int)(NAME_COLUMN - MIN(t->len - begin, (size_t)NAME_COLUMN)), "", area->name);
    proc_print(t, "\n");
}

static void write_counts(struct proc_text *t, const struct counts *c)
{
    proc_print(t, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n", c->rss, c->rss,
               c->private_dirty + c->shared_dirty);
    proc_print(t,
               "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\nPrivate_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n",
               c->shared_clean, c->shared_dirty, c->private_clean, c->private_dirty);
    proc_print(t, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n", c->rss, c->anonymous);
    static const char *const none[] = { "LazyFree:",      "AnonHugePages:",  "ShmemPmdMapped:",
                                        "FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:",
                                        "Swap:",          "SwapPss:",        "Locked:" };
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        proc_print(t, "%-16s%8u kB\n", none[i], 0u);
}

static int one_line(const struct vm_area_info *area, void *arg)
{
    write_line(arg, area);
    return 0;
}

static int one_smap(const struct vm_area_info *area, void *arg)
{
    struct counts c = counts_of(area);
    write_line(arg, area);
    proc_print(arg, "Size:           %8lu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", c.size, 4u, 4u);
    write_counts(arg, &c);
    proc_print(arg, "THPeligible:           0\nVmFlags: %s%s%s%smr mw me %s\n", area->prot & PROT_READ ? "rd " : "",
               area->prot & PROT_WRITE ? "wr " : "", area->prot & PROT_EXEC ? "ex " : "", area->shared ? "sh " : "",
               area->shared ? "ms " : "");
    return 0;
}

struct rollup {
    struct counts sum;
    u64 start, end;
};

static int add_up(const struct vm_area_info *area, void *arg)
{
    struct rollup *r = arg;
    struct counts c = counts_of(area);

    r->start = r->end ? r->start : area->start;
    r->end = area->end;
    r->sum.rss += c.rss;
    r->sum.shared_clean += c.shared_clean;
    r->sum.shared_dirty += c.shared_dirty;
    r->sum.private_clean += c.private_clean;
    r->sum.private_dirty += c.private_dirty;
    r->sum.anonymous += c.anonymous;
    return 0;
}

void proc_write_maps(struct proc_text *t, struct mm *mm, const char *name)
{
    struct rollup rollup = { 0 };

    if (str_eq(name, "maps")) {
        (void)vm_for_each(mm, false, one_line, t);
    } else if (str_eq(name, "smaps")) {
        (void)vm_for_each(mm, true, one_smap, t);
    } else {
        (void)vm_for_each(mm, true, add_up, &rollup);
        const struct vm_area_info all = { .start = rollup.start, .end = rollup.end, .name = "[rollup]" };
        write_line(t, &all);
        write_counts(t, &rollup.sum);
    }
}
