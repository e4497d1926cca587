// SPDX-License-Identifier: BSD-3-Clause
// What /proc/PID shows. Each file is produced whole, as text, from what the LibOS knows.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/process/proc_stat.h"

enum { OOM_MOST = 1000, COMM_BYTES = 16 };

static struct thread *thread_of(const struct process *process, u32 tid)
{
    struct thread *thread;
    list_for_each (thread, &process->threads, siblings)
        if (!tid || thread->tid == tid)
            return thread;
    return NULL;
}

static void write_limits(struct proc_text *t, const struct process *p)
{
    static const struct {
        const char *name, *unit;
    } rows[] = {
        { "Max cpu time", "seconds" },    { "Max file size", "bytes" },      { "Max data size", "bytes" },
        { "Max stack size", "bytes" },    { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" }, { "Max open files", "files" },     { "Max locked memory", "bytes" },
        { "Max address space", "bytes" }, { "Max file locks", "locks" },     { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" }, { "Max nice priority", "" },       { "Max realtime priority", "" },
        { "Max realtime timeout", "us" },
    };
    proc_print(t, "Limit                     Soft Limit           Hard Limit           Units     \n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 both[2] = { p->limits[i].rlim_cur, p->limits[i].rlim_max };
        proc_print(t, "%-25s ", rows[i].name);
        for (int k = 0; k < 2; k++) {
            if (both[k] == RLIM64_INFINITY)
                proc_print(t, "%-20s ", "unlimited");
            else
                proc_print(t, "%-20lu ", both[k]);
        }
        proc_print(t, rows[i].unit[0] ? "%-10s\n" : "%s\n", rows[i].unit);
    }
}

static void write_io(struct proc_text *t, const struct proc_view *v)
{
    struct cpu_usage used = v->one && v->thread ? thread_usage(v->thread) : process_usage(v->process);
    proc_print(t, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", used.io.read_bytes, used.io.written_bytes,
               used.io.reads, used.io.writes);
    proc_print(t, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

// Badness as Linux reckons it: memory out of all there is, moved by oom_score_adj.
static u64 oom_score(const struct proc_view *v)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    u64 rss = v->rss.anon + v->rss.file + v->rss.shared;
    s64 points = (s64)(vm.limit ? rss * OOM_MOST / vm.limit : 0) + v->process->oom_score_adj;
    return points < 0 ? 0 : (u64)((points + OOM_MOST) * 2 / 3);
}

// The scale of before oom_score_adj: -17 to 15.
static int oom_adj(int score) { return score == OOM_MOST ? 15 : score * 17 / OOM_MOST; }

static int write_file(struct proc_text *t, const struct proc_view *v, const char *name)
{
    const struct process *p = v->process;

    if (str_eq(name, "status"))
        proc_write_status(t, v);
    else if (str_eq(name, "stat"))
        proc_write_stat(t, v);
    else if (str_eq(name, "statm"))
        proc_write_statm(t, v);
    else if (str_eq(name, "comm"))
        proc_print(t, "%s\n", v->thread ? v->thread->name : p->name);
    else if (str_eq(name, "cmdline") && !p->zombie)
        proc_bytes(t, p->cmdline, p->cmdline ? p->cmdline_size : 0);
    else if (str_eq(name, "environ") && !p->zombie)
        proc_bytes(t, p->environ, p->environ ? p->environ_size : 0);
    else if (str_eq(name, "auxv") && !p->zombie)
        proc_bytes(t, p->layout.auxv, p->layout.auxv_words * sizeof(u64));
    else if (str_eq(name, "limits"))
        write_limits(t, p);
    else if (str_eq(name, "io"))
        write_io(t, v);
    else if (str_eq(name, "oom_score_adj"))
        proc_print(t, "%d\n", p->oom_score_adj);
    else if (str_eq(name, "oom_adj"))
        proc_print(t, "%d\n", oom_adj(p->oom_score_adj));
    else if (str_eq(name, "oom_score"))
        proc_print(t, "%lu\n", oom_score(v));
    else if (str_eq(name, "cgroup"))
        proc_print(t, "0::/\n");
    else if (str_eq(name, "personality"))
        proc_print(t, "%08x\n", p->personality);
    else if (str_eq(name, "wchan"))
        proc_print(t, "0");
    else if (str_eq(name, "loginuid") || str_eq(name, "sessionid"))
        proc_print(t, "4294967295"); // nobody logged in
    return 0;
}

// Which files tell of memory that was touched: to find that out takes time.
static bool needs_rss(const char *name)
{
    return str_eq(name, "status") || str_eq(name, "stat") || str_eq(name, "statm") || str_eq(name, "oom_score");
}

static int read_file(u32 pid, u32 tid, const char *name, struct proc_text *text)
{
    struct proc_view view = { .one = tid };

    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    struct mm *mm = p ? process_get_mm(p) : NULL;
    mutex_unlock(&process_lock);
    if (mm && (str_eq(name, "maps") || str_eq(name, "smaps") || str_eq(name, "smaps_rollup"))) {
        proc_write_maps(text, mm, name);
        mm_unref(mm);
        return 0;
    }
    if (mm && needs_rss(name)) {
        mm_get_usage(mm, &view.mapped, &view.areas);
        mm_get_rss(mm, &view.rss);
    }
    mutex_lock(&process_lock);
    view.process = process_find(pid);
    int err = view.process ? 0 : -ESRCH;
    if (!err) {
        view.thread = thread_of(view.process, tid);
        err = tid && !view.thread ? -ESRCH : write_file(text, &view, name);
    }
    mutex_unlock(&process_lock);
    if (mm)
        mm_unref(mm);
    return err;
}

static int parse_score(const char *text, size_t size, int *ret_score)
{
    bool negative = size && text[0] == '-';
    s64 value = 0;
    size_t i = negative;

    for (; i < size && text[i] >= '0' && text[i] <= '9' && value < INT32_MAX; i++)
        value = value * 10 + (text[i] - '0');
    if (i == negative || (i < size && text[i] != '\n' && text[i] != '\0') || value > OOM_MOST)
        return -EINVAL;
    *ret_score = (int)(negative ? -value : value);
    return 0;
}

static int write_score(struct process *p, const char *text, size_t size, bool old)
{
    int score = 0;
    int err = parse_score(text, size, &score);

    if (!err && old && (score < -17 || score > 15))
        err = -EINVAL;
    if (!err && old)
        score = score == 15 ? OOM_MOST : score * OOM_MOST / 17;
    if (!err && score < p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
        err = -EACCES;
    if (!err)
        p->oom_score_adj = score;
    return err;
}

static int write_process(u32 pid, u32 tid, const char *name, const char *text, size_t size)
{
    int err = 0;

    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    struct thread *thread = p ? thread_of(p, tid) : NULL;
    if (!thread) {
        err = -ESRCH;
    } else if (str_eq(name, "comm")) {
        size_t n = MIN(size, (size_t)COMM_BYTES - 1);
        n -= n && text[n - 1] == '\n';
        err = p == current_process() ? 0 : -EINVAL;
        if (!err) {
            memset(thread->name, 0, sizeof(thread->name));
            memcpy(thread->name, text, n);
        }
    } else if (str_eq(name, "oom_score_adj") || str_eq(name, "oom_adj")) {
        err = write_score(p, text, size, str_eq(name, "oom_adj"));
    } else {
        err = -EPERM; // loginuid: it is set once, by who logs in
    }
    mutex_unlock(&process_lock);
    return err;
}

static struct fs_context *context_of(u32 pid)
{
    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    struct fs_context *fs = p ? process_get_fs(p) : NULL;
    mutex_unlock(&process_lock);
    return fs;
}

static struct inode *folder(u32 pid, bool root)
{
    struct fs_context *fs = context_of(pid);
    if (!fs)
        return NULL;
    mutex_lock(&fs->lock);
    struct inode *inode = inode_ref(root ? fs->root : fs->cwd);
    mutex_unlock(&fs->lock);
    fs_context_unref(fs);
    return inode;
}

static long read_link(u32 pid, const char *name, char *buf, size_t size)
{
    long len = -ENOENT;

    if (!str_eq(name, "exe")) {
        struct inode *inode = folder(pid, str_eq(name, "root"));
        if (!inode)
            return -ENOENT;
        len = inode_path(inode, buf, size);
        inode_unref(inode);
        return len;
    }
    mutex_lock(&process_lock);
    const struct process *p = process_find(pid);
    if (p && p->exe && !p->zombie) {
        len = (long)strlen(p->exe);
        if ((size_t)len < size)
            memcpy(buf, p->exe, (size_t)len + 1);
    }
    mutex_unlock(&process_lock);
    return len < (long)size ? len : -ENAMETOOLONG;
}

static int for_each(u32 pid, int (*visit)(u32 id, void *arg), void *arg)
{
    struct process *process;
    struct thread *thread;
    int stop = 0;

    mutex_lock(&process_lock);
    if (pid && (process = process_find(pid)) != NULL) {
        list_for_each (thread, &process->threads, siblings)
            if ((stop = visit(thread->tid, arg)) != 0)
                break;
    } else if (!pid) {
        list_for_each (process, &process_all, all)
            if ((stop = visit(process->pid, arg)) != 0)
                break;
    }
    mutex_unlock(&process_lock);
    return stop;
}

static u32 process_of(u32 id)
{
    mutex_lock(&process_lock);
    const struct thread *thread = NULL;
    u32 pid = process_find(id) ? id : 0;
    if (!pid && (thread = process_find_thread(id)) != NULL)
        pid = thread->process->pid;
    mutex_unlock(&process_lock);
    return pid;
}

static void totals(struct proc_totals *ret)
{
    struct cpu_usage usage = processes_usage();
    struct process *process;
    struct thread *thread;

    *ret = (struct proc_totals){ .user_ns = usage.user_ns, .system_ns = usage.system_ns, .switches = usage.waits };
    mutex_lock(&process_lock);
    ret->made = process_made;
    ret->last_id = process_last_id;
    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings) {
            ret->threads++;
            ret->running += thread == current || !__atomic_load_n(&thread->wake->parked, __ATOMIC_RELAXED);
        }
    }
    mutex_unlock(&process_lock);
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

static int may_look(u32 pid)
{
    mutex_lock(&process_lock);
    struct process *p = process_find(pid);
    int err = p ? may_look_into(p) : -ESRCH;
    mutex_unlock(&process_lock);
    return err == -EPERM ? -EACCES : err;
}

static void owner(u32 pid, u32 *ret_uid, u32 *ret_gid)
{
    mutex_lock(&process_lock);
    const struct process *p = process_find(pid);
    const struct cred *cred = p && !p->undumpable ? process_cred(p) : NULL;
    *ret_uid = cred ? cred->euid : 0;
    *ret_gid = cred ? cred->egid : 0;
    mutex_unlock(&process_lock);
    cred_unref(cred);
}

static const struct proc_ops ops = {
    .for_each = for_each,
    .process_of = process_of,
    .read = read_file,
    .write = write_process,
    .link = read_link,
    .folder = folder,
    .may_look = may_look,
    .owner = owner,
    .current_pid = current_pid,
    .totals = totals,
    .files = process_files,
};

void process_procfs_init(void) { procfs_set_ops(&ops); }
