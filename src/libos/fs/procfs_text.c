// SPDX-License-Identifier: BSD-3-Clause
// The files of /proc that describe the system.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/mount.h"
#include "libos/fs/file.h"
#include "libos/fs/procfs_text.h"
#include "libos/time/time.h"
#include "libos/vm/vm.h"
#include "trusted/layout.h"
#include "trusted/cpu.h"
#include "trusted/emm.h"
#include "trusted/ocall.h"
#include "trusted/random.h"

enum { TICKS = 100 }; // USER_HZ

// The host says how many; a count that cannot be is one.
u32 proc_cpu_count(void)
{
    u8 mask[HOST_CPU_MASK_BYTES];
    u32 count = 0;
    s64 n = ocall_get_affinity(mask, sizeof(mask));
    for (s64 i = 0; i < n; i++)
        for (u8 bits = mask[i]; bits; bits = (u8)(bits & (bits - 1)))
            count++;
    return MAX(count, 1u);
}

static u64 cpu_khz(void)
{
    s64 ns = cpu_has_tsc() ? time_ticks_ns(1ull << 32) : 0;
    return ns > 0 ? (1ull << 32) * 1000000 / (u64)ns : 0;
}

void proc_cpuinfo(struct proc_text *text, const char *argument)
{
    static const char *const features[32] = {
        "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
        "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
        "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
    };
    u32 cpus = proc_cpu_count();
    u64 khz = cpu_khz();

    for (u32 cpu = 0; cpu < cpus; cpu++) {
        proc_print(text, "processor\t: %u\nvendor_id\t: unknown\ncpu family\t: 6\nmodel\t\t: 0\n", cpu);
        proc_print(text, "model name\t: x86-64\nstepping\t: 0\ncpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
        proc_print(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", cpus, cpu, cpus);
        proc_print(text, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n", cpu, cpu);
        proc_print(text, "wp\t\t: yes\nflags\t\t:");
        for (u32 bit = 0; bit < 32; bit++)
            if ((cpu_hwcap() >> bit & 1) && features[bit])
                proc_print(text, " %s", features[bit]);
        proc_print(text, " syscall nx lm constant_tsc%s\nbogomips\t: %lu.%02lu\n", cpu_has_sha() ? " sha_ni" : "",
                   2 * khz / 1000, 2 * khz / 10 % 100);
        proc_print(text, "clflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits "
                         "virtual\n\n");
    }
}

static void kilobytes(struct proc_text *text, const char *name, u64 bytes)
{
    proc_print(text, "%-15s %8lu kB\n", name, bytes / 1024);
}

void proc_meminfo(struct proc_text *text, const char *argument)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    u64 used = MIN(vm.committed, vm.limit), free = vm.limit - used;
    const struct {
        const char *name;
        u64 bytes;
    } rows[] = {
        { "MemTotal:", vm.limit },
        { "MemFree:", free },
        { "MemAvailable:", free },
        { "Buffers:", 0 },
        { "Cached:", 0 },
        { "SwapCached:", 0 },
        { "Active:", used },
        { "Inactive:", 0 },
        { "Active(anon):", used },
        { "Inactive(anon):", 0 },
        { "Active(file):", 0 },
        { "Inactive(file):", 0 },
        { "Unevictable:", 0 },
        { "Mlocked:", 0 },
        { "SwapTotal:", 0 },
        { "SwapFree:", 0 },
        { "Dirty:", 0 },
        { "Writeback:", 0 },
        { "AnonPages:", used },
        { "Mapped:", 0 },
        { "Shmem:", 0 },
        { "KReclaimable:", 0 },
        { "Slab:", 0 },
        { "SReclaimable:", 0 },
        { "SUnreclaim:", 0 },
        { "KernelStack:", 0 },
        { "PageTables:", 0 },
        { "NFS_Unstable:", 0 },
        { "Bounce:", 0 },
        { "WritebackTmp:", 0 },
        { "CommitLimit:", vm.limit },
        { "Committed_AS:", used },
        { "VmallocTotal:", 0 },
        { "VmallocUsed:", 0 },
        { "VmallocChunk:", 0 },
        { "Percpu:", 0 },
        { "AnonHugePages:", 0 },
        { "ShmemHugePages:", 0 },
        { "FileHugePages:", 0 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        kilobytes(text, rows[i].name, rows[i].bytes);
    proc_print(text, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
                     "HugePages_Surp:        0\n");
    kilobytes(text, "Hugepagesize:", 2048 * 1024);
    kilobytes(text, "Hugetlb:", 0);
}

static void get_totals(struct proc_totals *ret_totals)
{
    memset(ret_totals, 0, sizeof(*ret_totals));
    if (proc_ops)
        proc_ops->totals(ret_totals);
}

void proc_stat(struct proc_text *text, const char *argument)
{
    u32 cpus = proc_cpu_count();
    s64 now = time_monotonic_ns(), ticks = now / (NSEC_PER_SEC / TICKS);
    struct proc_totals totals;

    // Which processor did the work is the host's business: each shows an equal share.
    get_totals(&totals);
    s64 user = totals.user_ns / (NSEC_PER_SEC / TICKS), system = totals.system_ns / (NSEC_PER_SEC / TICKS);
    proc_print(text, "cpu  %ld 0 %ld %ld 0 0 0 0 0 0\n", user, system, MAX(ticks * cpus - user - system, (s64)0));
    for (u32 cpu = 0; cpu < cpus; cpu++)
        proc_print(text, "cpu%u %ld 0 %ld %ld 0 0 0 0 0 0\n", cpu, user / cpus, system / cpus,
                   MAX(ticks - (user + system) / cpus, (s64)0));
    proc_print(text, "intr 0\nctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n", totals.switches,
               (s64)((time_realtime_ns() - now) / NSEC_PER_SEC), totals.made, totals.running);
    proc_print(text, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

void proc_uptime(struct proc_text *text, const char *argument)
{
    struct proc_totals totals;

    get_totals(&totals);
    u64 centi = (u64)time_monotonic_ns() / (NSEC_PER_SEC / 100), all = centi * proc_cpu_count();
    u64 busy = (u64)(totals.user_ns + totals.system_ns) / (NSEC_PER_SEC / 100), idle = all - MIN(all, busy);
    proc_print(text, "%lu.%02lu %lu.%02lu\n", centi / 100, centi % 100, idle / 100, idle % 100);
}

// Linux' averages over 1, 5 and 15 minutes, brought up to date when somebody looks: what ran in between is taken to be
// what runs now. Fixed point with 11 bits, a step for each 5 s.
enum { LOAD_BITS = 11, LOAD_STEPS_MOST = 1000 };
#define LOAD_STEP_NS (5 * NSEC_PER_SEC)

static void loads(u32 running, u64 ret_loads[3])
{
    static const u64 decay[3] = { 1884, 2014, 2037 }; // 2^11 / e^(5 s / 1, 5, 15 min)
    static struct spinlock lock = SPINLOCK_INIT(LOCK_LOADS);
    static u64 kept[3];
    static s64 last;
    s64 now = time_monotonic_ns();

    spin_lock(&lock);
    s64 steps = last ? (now - last) / LOAD_STEP_NS : 0;
    last = last ? last + steps * LOAD_STEP_NS : now;
    for (s64 i = 0; i < MIN(steps, (s64)LOAD_STEPS_MOST); i++)
        for (int k = 0; k < 3; k++)
            kept[k] = (kept[k] * decay[k] + ((u64)running << LOAD_BITS) * ((1u << LOAD_BITS) - decay[k])) >> LOAD_BITS;
    memcpy(ret_loads, kept, sizeof(kept));
    spin_unlock(&lock);
}

void proc_loadavg(struct proc_text *text, const char *argument)
{
    struct proc_totals totals;
    u64 load[3];

    get_totals(&totals);
    loads(totals.running - MIN(totals.running, 1u), load); // who looks does not count
    for (int k = 0; k < 3; k++)
        proc_print(text, "%lu.%02lu ", load[k] >> LOAD_BITS, ((load[k] & ((1u << LOAD_BITS) - 1)) * 100) >> LOAD_BITS);
    proc_print(text, "%u/%u %u\n", totals.running, totals.threads, totals.last_id);
}

void proc_file_nr(struct proc_text *text, const char *argument) { proc_print(text, "%lu\t0\t65536\n", file_count()); }

void proc_sysvipc(struct proc_text *text, const char *kind) { fs_special.show_sysv(text, kind); }

void proc_uuid(struct proc_text *text, const char *argument)
{
    static u8 boot[16];
    u8 id[16];

    random_bytes(id, sizeof(id));
    if (argument) { // boot_id: drawn once
        if (!boot[6])
            memcpy(boot, id, sizeof(boot)), boot[6] |= 0x40;
        memcpy(id, boot, sizeof(id));
    }
    id[6] = (u8)((id[6] & 0x0f) | 0x40);
    id[8] = (u8)((id[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(id); i++)
        proc_print(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    proc_print(text, "\n");
}

void proc_threads_max(struct proc_text *text, const char *argument)
{
    proc_print(text, "%u\n", enclave_layout.slots_max);
}

struct mounts_text {
    struct proc_text *text;
    const char *name; // mounts, mountinfo or mountstats
};

static void print_mount(const struct mount_view *m, void *arg)
{
    static const struct {
        u32 flag;
        const char *text;
    } names[] = { { MS_SYNCHRONOUS, ",sync" }, { MS_NOSUID, ",nosuid" },   { MS_NODEV, ",nodev" },
                  { MS_NOEXEC, ",noexec" },    { MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" } };
    const struct mounts_text *t = arg;
    const char *access = m->flags & MS_RDONLY ? "ro" : "rw";
    char options[96];
    size_t n = fmt_format(options, sizeof(options), "%s", access);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (m->flags & names[i].flag)
            n += fmt_format(options + n, sizeof(options) - n, "%s", names[i].text);
    if (!(m->flags & (MS_NOATIME | MS_STRICTATIME)))
        fmt_format(options + n, sizeof(options) - n, ",relatime");
    if (str_eq(t->name, "mountinfo"))
        proc_print(t->text, "%u %u 0:%lu / %s %s - %s %s %s\n", m->id, m->parent, m->dev, m->target, options, m->type,
                   m->source, access);
    else if (str_eq(t->name, "mounts"))
        proc_print(t->text, "%s %s %s %s 0 0\n", m->source, m->target, m->type, options);
    else
        proc_print(t->text, "device %s mounted on %s with fstype %s\n", m->source, m->target, m->type);
    if (!str_eq(m->type, "sysfs"))
        return;
    // The control group in it is where programs look for one that is mounted.
    if (str_eq(t->name, "mountinfo"))
        proc_print(t->text, "%u %u 0:%lu / %s/fs/cgroup ro,relatime - cgroup2 cgroup2 ro\n", m->id + 1000, m->id,
                   m->dev + 1, m->target);
    else if (str_eq(t->name, "mounts"))
        proc_print(t->text, "cgroup2 %s/fs/cgroup cgroup2 ro,relatime 0 0\n", m->target);
}

void proc_text_mounts(struct proc_text *text, const char *name)
{
    struct mounts_text t = { text, name };
    mount_for_each(print_mount, &t);
}

// What the enclave knows of each page of user space (EDMM): address range, rights in the EPCM, in use or kept for
// reuse.
void proc_enclave_pages(struct proc_text *text, const char *argument)
{
    struct emm_run run;
    for (u64 addr = 0; emm_next_run(addr, &run); addr = run.addr + run.count * PAGE_SIZE)
        proc_print(text, "%lx-%lx %c%c%c %s\n", run.addr, run.addr + run.count * PAGE_SIZE,
                   run.prot & EMM_READ ? 'r' : '-', run.prot & EMM_WRITE ? 'w' : '-', run.prot & EMM_EXEC ? 'x' : '-',
                   run.live ? "live" : "idle");
}
