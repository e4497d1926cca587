// SPDX-License-Identifier: BSD-3-Clause
// What /proc/PID shows. Each file is produced whole, as text, from what the LibOS knows.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/time/time.h"

struct text {
    char *buf;
    size_t size, len;
};

static void add(struct text *t, const char *format, ...) __printf_like(2, 3);
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->len += fmt_vformat(t->buf + MIN(t->len, t->size), t->size - MIN(t->len, t->size), format, args);
    va_end(args);
}

static const char *process_name(const struct process *process)
{
    return list_empty(&process->threads) ? "" : list_first(&process->threads, struct thread, siblings)->name;
}

static char state_letter(const struct process *process)
{
    if (process->zombie)
        return 'Z';
    if (process->stopped)
        return 'T';
    return process == current_process() ? 'R' : 'S';
}

// Bytes of address space. With process_lock held.
static u64 mapped_bytes(const struct process *process)
{
    u64 bytes = 0, count;
    struct mm *mm = process_get_mm(process);
    if (mm) {
        mm_get_usage(mm, &bytes, &count);
        mm_unref(mm);
    }
    return bytes;
}

static void write_status(struct text *t, const struct process *p)
{
    u64 bytes = mapped_bytes(p);
    add(t, "Name:\t%s\nUmask:\t0022\nState:\t%c\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
        process_name(p), state_letter(p), p->pid, p->pid, p->parent ? p->parent->pid : 0);
    add(t,
        "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t\nVmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmRSS:\t%8lu "
        "kB\n",
        bytes / 1024, bytes / 1024, bytes / 1024);
    add(t,
        "Threads:\t%u\nSigQ:\t0/"
        "1024\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n",
        p->thread_count);
    add(t, "NoNewPrivs:\t0\nSeccomp:\t0\nCpus_allowed_list:\t0\n");
}

static void write_stat(struct text *t, const struct process *p)
{
    u64 bytes = mapped_bytes(p), ticks = (u64)((time_monotonic_ns() - p->start_ns) / (NSEC_PER_SEC / 100));
    u32 foreground = process_tty.foreground(p);
    add(t,
        "%u (%s) %c %u %u %u %d %d 0 0 0 0 0 %lu 0 0 0 20 0 %u 0 %lu %lu %lu 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 "
        "0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        p->pid, process_name(p), state_letter(p), p->parent ? p->parent->pid : 0, p->pgid, p->sid,
        process_tty.number(p), foreground ? (int)foreground : -1, ticks,
        p->thread_count, (u64)(p->start_ns / (NSEC_PER_SEC / 100)), bytes, bytes / PAGE_SIZE);
}

static int one_area(const struct vm_area_info *area, void *arg)
{
    add(arg, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu %*s%s\n", area->start, area->end, area->prot & PROT_READ ? 'r' : '-',
        area->prot & PROT_WRITE ? 'w' : '-', area->prot & PROT_EXEC ? 'x' : '-', area->shared ? 's' : 'p', area->offset,
        area->inode, area->name[0] ? 20 : 0, "", area->name);
    return 0;
}

static void write_limits(struct text *t, const struct process *p)
{
    static const char *const names[] = { "Max cpu time",        "Max file size",      "Max data size",
                                         "Max stack size",      "Max core file size", "Max resident set",
                                         "Max processes",       "Max open files",     "Max locked memory",
                                         "Max address space",   "Max file locks",     "Max pending signals",
                                         "Max msgqueue size",   "Max nice priority",  "Max realtime priority",
                                         "Max realtime timeout" };
    add(t, "Limit                     Soft Limit           Hard Limit           Units\n");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        u64 both[2] = { p->limits[i].rlim_cur, p->limits[i].rlim_max };
        add(t, "%-26s", names[i]);
        for (int k = 0; k < 2; k++) {
            if (both[k] == RLIM64_INFINITY)
                add(t, "%-21s", "unlimited");
            else
                add(t, "%-21lu", both[k]);
        }
        add(t, "\n");
    }
}

static void copy_block(struct text *t, const char *data, size_t size)
{
    size_t n = MIN(size, t->size);
    if (data)
        memcpy(t->buf, data, n);
    t->len = data ? n : 0;
}

static long read_file(u32 pid, const char *name, char *buf, size_t size)
{
    struct text t = { .buf = buf, .size = size };

    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    struct mm *mm = p ? process_get_mm(p) : NULL;
    long err = p ? 0 : -ESRCH;
    if (err) {
    } else if (str_eq(name, "status")) {
        write_status(&t, p);
    } else if (str_eq(name, "stat")) {
        write_stat(&t, p);
    } else if (str_eq(name, "statm")) {
        u64 bytes = mapped_bytes(p);
        add(&t, "%lu %lu 0 0 0 %lu 0\n", bytes / PAGE_SIZE, bytes / PAGE_SIZE, bytes / PAGE_SIZE);
    } else if (str_eq(name, "comm")) {
        add(&t, "%s\n", process_name(p));
    } else if (str_eq(name, "cmdline")) {
        copy_block(&t, p->cmdline, p->cmdline_size);
    } else if (str_eq(name, "environ")) {
        copy_block(&t, p->environ, p->environ_size);
    } else if (str_eq(name, "limits")) {
        write_limits(&t, p);
    } else if (!str_eq(name, "maps")) {
        err = -ENOENT;
    }
    mutex_unlock(&process_lock);
    if (!err && mm && str_eq(name, "maps"))
        vm_for_each(mm, one_area, &t);
    if (mm)
        mm_unref(mm);
    return err ? err : (long)MIN(t.len, t.size);
}

static long read_link(u32 pid, const char *name, char *buf, size_t size)
{
    struct fs_context *fs = NULL;
    long len = -ENOENT;

    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    const char *target = p && str_eq(name, "root") ? "/" : NULL;
    if (p && str_eq(name, "exe"))
        target = p->exe;
    if (target)
        len = (long)fmt_format(buf, size, "%s", target);
    else if (p && str_eq(name, "cwd"))
        fs = process_get_fs(p);
    mutex_unlock(&process_lock);
    if (fs) {
        len = fs_context_cwd(fs, buf, size);
        fs_context_unref(fs);
    }
    return len < (long)size ? len : -ENAMETOOLONG;
}

static int for_each_pid(int (*visit)(u32 pid, void *arg), void *arg)
{
    struct process *process;
    int stop = 0;

    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all) {
        stop = visit(process->pid, arg);
        if (stop)
            break;
    }
    mutex_unlock(&process_lock);
    return stop;
}

static void cpu_time(s64 *ret_user, s64 *ret_system)
{
    struct cpu_usage usage = processes_usage();
    *ret_user = usage.user_ns;
    *ret_system = usage.system_ns;
}

static u32 current_pid(void) { return current_process()->pid; }

static struct files *process_files(u32 pid)
{
    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    struct files *files = p ? process_get_files(p) : NULL;
    mutex_unlock(&process_lock);
    return files;
}

static const struct proc_ops ops = {
    .for_each_pid = for_each_pid,
    .read = read_file,
    .link = read_link,
    .current_pid = current_pid,
    .cpu_time = cpu_time,
    .files = process_files,
};

void process_procfs_init(void) { procfs_set_ops(&ops); }
