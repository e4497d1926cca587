// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/stat, status and statm (proc(5)).
#include "libos/process/proc_stat.h"
#include "abi/occlum/ocall_types.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/time/time.h"
#include "trusted/tls.h"

enum { TICKS = 100, KIB_BYTES = 1024 };

static s64 ticks(s64 ns) { return ns / (NSEC_PER_SEC / TICKS); }
static u64 kib(u64 bytes) { return bytes / KIB_BYTES; }

static const char *name_of(const struct proc_view *v) { return v->thread ? v->thread->name : v->process->name; }

// Does the thread wait in the host, so that it is asleep?
static bool sleeps(const struct thread *thread)
{
    return thread != current && __atomic_load_n(&thread->wake->parked, __ATOMIC_RELAXED);
}

static char state_of(const struct proc_view *v)
{
    if (!v->thread || (v->process->zombie && !v->one))
        return 'Z';
    if (v->process->stopped)
        return 'T';
    return sleeps(v->thread) ? 'S' : 'R';
}

static const char *state_name(char state)
{
    switch (state) {
    case 'Z':
        return "zombie";
    case 'T':
        return "stopped";
    default:
        return state == 'S' ? "sleeping" : "running";
    }
}

struct signal_state {
    u32 queued;
    u64 pending, shared, blocked, ignored, caught;
};

static struct signal_state signals_of(const struct proc_view *v)
{
    struct process_signals *signals = &v->process->signals;
    struct signal_state m = { 0 };

    spin_lock(&signals->lock);
    m.queued = signals->queue.count;
    m.shared = signals->queue.pending;
    if (v->thread) {
        m.blocked = v->thread->blocked;
        m.pending = signal_thread_pending(v->thread);
    }
    for (int i = 0; i < SIGNALS; i++) {
        u64 handler = signals->actions[i].handler;
        m.ignored |= handler == (u64)SIG_IGN ? 1ull << i : 0;
        m.caught |= handler > (u64)SIG_IGN ? 1ull << i : 0;
    }
    spin_unlock(&signals->lock);
    return m;
}

static struct cpu_usage usage_of(const struct proc_view *v)
{
    return v->one && v->thread ? thread_usage(v->thread) : process_usage(v->process);
}

void proc_write_stat(struct proc_text *t, const struct proc_view *v)
{
    const struct process *p = v->process;
    const struct memory_layout *l = &p->layout;
    struct cpu_usage used = usage_of(v), children = p->ended_children;
    struct signal_state m = signals_of(v);
    int nice = v->thread ? v->thread->nice : 0;
    bool look = may_look_into(v->process) == 0; // addresses are for those who may know them
    u32 foreground = process_tty.foreground(p);

    proc_print(t, "%u (%s) %c %u %u %u %d %d %u ", v->one && v->thread ? v->thread->tid : p->pid, name_of(v),
               state_of(v), p->parent ? p->parent->pid : 0, p->pgid, p->sid, process_tty.number(p),
               foreground ? (int)foreground : -1, 0x400000 | (p->zombie ? 0x400c : 0));
    proc_print(t, "%lu %lu 0 0 %ld %ld %ld %ld %d %d %u 0 ", used.faults, children.faults, ticks(used.user_ns),
               ticks(used.system_ns), ticks(children.user_ns), ticks(children.system_ns), 20 + nice, nice,
               p->thread_count);
    proc_print(t, "%ld %lu %lu %lu ", ticks(v->one && v->thread ? (s64)v->thread->start_ns : p->start_ns), v->mapped,
               (v->rss.anon + v->rss.file + v->rss.shared) / PAGE_SIZE, (u64)p->limits[RLIMIT_RSS].rlim_cur);
    proc_print(t, "%lu %lu %lu 0 0 ", look ? l->code_start : 1, look ? l->code_end : 1, look ? l->stack : 0);
    proc_print(t, "%lu %lu %lu %lu %u 0 0 %d 0 0 %u 0 0 0 ", m.pending & 0x7fffffff, m.blocked & 0x7fffffff,
               m.ignored & 0x7fffffff, m.caught & 0x7fffffff, v->thread && sleeps(v->thread) && look,
               (int)p->exit_signal, v->thread ? v->thread->policy : 0);
    if (look)
        proc_print(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", l->data_start, l->data_end, l->brk_start, l->arg_start,
                   l->arg_end, l->arg_end, l->env_end, p->zombie ? p->wait_status : 0);
    else
        proc_print(t, "0 0 0 0 0 0 0 0\n");
}

static void write_ids(struct proc_text *t, const struct proc_view *v)
{
    const struct cred *c = v->thread ? thread_cred(v->thread) : NULL, none = { .uid = v->process->ended_uid };
    const struct cred *k = c ? c : &none;
    struct fs_context *fs = process_get_fs(v->process);
    struct files *files = process_get_files(v->process);
    u32 pid = v->process->pid, id = v->one && v->thread ? v->thread->tid : pid;

    proc_print(t, "Name:\t%s\n", name_of(v));
    if (fs)
        proc_print(t, "Umask:\t%04o\n", READ_ONCE(fs->umask));
    proc_print(t, "State:\t%c (%s)\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", state_of(v),
               state_name(state_of(v)), pid, id, v->process->parent ? v->process->parent->pid : 0);
    proc_print(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", k->uid, k->euid, k->suid,
               k->fsuid, k->gid, k->egid, k->sgid, k->fsgid, files ? files_table_size(files) : 0);
    for (u32 i = 0; i < k->group_count; i++)
        proc_print(t, "%u ", k->groups[i]);
    proc_print(t, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", pid, id, v->process->pgid, v->process->sid);
    cred_unref(c);
    if (fs)
        fs_context_unref(fs);
    if (files)
        files_unref(files);
}

static void write_memory(struct proc_text *t, const struct proc_view *v)
{
    const struct memory_layout *l = &v->process->layout;
    u64 rss = v->rss.anon + v->rss.file + v->rss.shared, code = l->code_end - l->code_start;
    u64 peak = MAX(v->process->mapped_peak, v->mapped);

    if (!v->mapped)
        return;
    proc_print(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8u kB\nVmPin:\t%8u kB\n", kib(peak), kib(v->mapped), 0u,
               0u);
    proc_print(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
               kib(MAX(v->rss.peak, rss)), kib(rss), kib(v->rss.anon), kib(v->rss.file), kib(v->rss.shared));
    u64 stack = l->stack_size, data = v->mapped - MIN(v->mapped, stack + code + v->rss.file);
    proc_print(t, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmPTE:\t%8lu kB\n", kib(data),
               kib(stack), kib(code), kib(v->rss.file), kib(v->areas * PAGE_SIZE));
    proc_print(t, "VmSwap:\t%8u kB\nHugetlbPages:\t%8u kB\nCoreDumping:\t0\nTHP_enabled:\t0\n", 0u, 0u);
}

static void write_signals(struct proc_text *t, const struct proc_view *v)
{
    struct signal_state m = signals_of(v);

    proc_print(t, "Threads:\t%u\nSigQ:\t%u/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n",
               v->process->thread_count, m.queued, (u64)v->process->limits[RLIMIT_SIGPENDING].rlim_cur, m.pending,
               m.shared, m.blocked, m.ignored);
    proc_print(t, "SigCgt:\t%016lx\n", m.caught);
}

static void write_cpus(struct proc_text *t, const struct thread *thread)
{
    u64 mask[HOST_CPU_MASK_BYTES / 8] = { 0 };
    const char *comma = "";
    int top = 0;

    thread_cpus(thread, mask);
    for (int i = 0; i < HOST_CPU_MASK_BYTES / 4; i++)
        if (((u32 *)mask)[i])
            top = i;
    proc_print(t, "Cpus_allowed:\t");
    for (int i = top; i >= 0; i--)
        proc_print(t, i < top ? ",%08x" : "%x", ((u32 *)mask)[i]);
    proc_print(t, "\nCpus_allowed_list:\t");
    for (u32 i = 0, n; i < HOST_CPU_MASK_BYTES * 8; i += n) {
        for (n = 0; i + n < HOST_CPU_MASK_BYTES * 8 && (mask[(i + n) / 64] >> (i + n) % 64 & 1); n++)
            ;
        if (n)
            proc_print(t, n > 1 ? "%s%u-%u" : "%s%u", comma, i, i + n - 1);
        comma = n ? "," : comma;
        n = MAX(n, 1u);
    }
    proc_print(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

void proc_write_status(struct proc_text *t, const struct proc_view *v)
{
    const struct cred *c = v->thread ? thread_cred(v->thread) : NULL, none = { .uid = 0 };
    const struct cred *k = c ? c : &none;
    struct cpu_usage used = usage_of(v);

    write_ids(t, v);
    write_memory(t, v);
    write_signals(t, v);
    proc_print(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
               k->inheritable, k->permitted, k->effective, k->bounding, k->ambient);
    cred_unref(c);
    proc_print(t, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tunknown\n",
               v->process->no_new_privs);
    if (v->thread)
        write_cpus(t, v->thread);
    proc_print(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t0\n", used.waits);
}

void proc_write_statm(struct proc_text *t, const struct proc_view *v)
{
    const struct memory_layout *l = &v->process->layout;
    u64 shared = v->rss.file + v->rss.shared, code = l->code_end - l->code_start;

    proc_print(t, "%lu %lu %lu %lu 0 %lu 0\n", v->mapped / PAGE_SIZE, (v->rss.anon + shared) / PAGE_SIZE,
               shared / PAGE_SIZE, code / PAGE_SIZE, (v->mapped - MIN(v->mapped, v->rss.file)) / PAGE_SIZE);
}
