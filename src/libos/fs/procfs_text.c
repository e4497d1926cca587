// SPDX-License-Identifier: BSD-3-Clause
// The files of /proc that describe the system.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/mount.h"
#include "libos/fs/procfs_node.h"
#include "libos/time/time.h"
#include "libos/vm/vm.h"
#include "trusted/cpu.h"
#include "trusted/emm.h"
#include "trusted/ocall.h"
#include "trusted/random.h"

enum { TICKS = 100 }; // USER_HZ

static void constant(struct proc_text *text, const char *argument) { proc_print(text, "%s\n", argument); }

// The host says how many; a count that cannot be is one.
static u32 cpu_count(void)
{
    u8 mask[HOST_CPU_MASK_BYTES];
    u32 count = 0;
    s64 n = ocall_get_affinity(mask, sizeof(mask));
    for (s64 i = 0; i < n; i++)
        for (u8 bits = mask[i]; bits; bits = (u8)(bits & (bits - 1)))
            count++;
    return MAX(count, 1u);
}

static void cpuinfo(struct proc_text *text, const char *argument)
{
    static const char *const features[32] = {
        "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
        "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
        "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
    };
    u32 cpus = cpu_count();

    for (u32 cpu = 0; cpu < cpus; cpu++) {
        proc_print(text,
                   "processor\t: %u\nvendor_id\t: unknown\nmodel name\t: x86-64\nphysical id\t: 0\nsiblings\t: %u\n"
                   "core id\t\t: %u\ncpu cores\t: %u\nflags\t\t:",
                   cpu, cpus, cpu, cpus);
        for (u32 bit = 0; bit < 32; bit++)
            if ((cpu_hwcap() >> bit & 1) && features[bit])
                proc_print(text, " %s", features[bit]);
        proc_print(text, "%s\n\n", cpu_has_sha() ? " sha_ni" : "");
    }
}

static void meminfo(struct proc_text *text, const char *argument)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    u64 total = vm.limit / 1024, free = (vm.limit - MIN(vm.committed, vm.limit)) / 1024;
    proc_print(text,
               "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:        %8u kB\n"
               "Cached:         %8u kB\nSwapCached:     %8u kB\nSwapTotal:      %8u kB\nSwapFree:       %8u kB\n"
               "Committed_AS:   %8lu kB\n",
               total, free, free, 0u, 0u, 0u, 0u, 0u, vm.committed / 1024);
}

static void stat(struct proc_text *text, const char *argument)
{
    u32 cpus = cpu_count();
    s64 now = time_monotonic_ns();
    s64 ticks = now / (NSEC_PER_SEC / TICKS), user = 0, system = 0;

    // Which processor did the work is the host's business: each shows an equal share.
    if (proc_ops)
        proc_ops->cpu_time(&user, &system);
    user /= NSEC_PER_SEC / TICKS;
    system /= NSEC_PER_SEC / TICKS;
    proc_print(text, "cpu  %ld 0 %ld %ld 0 0 0 0 0 0\n", user, system, MAX(ticks * cpus - user - system, (s64)0));
    for (u32 cpu = 0; cpu < cpus; cpu++)
        proc_print(text, "cpu%u %ld 0 %ld %ld 0 0 0 0 0 0\n", cpu, user / cpus, system / cpus,
                   MAX(ticks - (user + system) / cpus, (s64)0));
    proc_print(text, "intr 0\nctxt 0\nbtime %ld\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
               (s64)((time_realtime_ns() - now) / NSEC_PER_SEC));
}

static void uptime(struct proc_text *text, const char *argument)
{
    u64 centi = (u64)time_monotonic_ns() / (NSEC_PER_SEC / 100);
    proc_print(text, "%lu.%02lu 0.00\n", centi / 100, centi % 100);
}

static int count_one(u32 pid, void *arg)
{
    u32 *count_and_last = arg;
    count_and_last[0]++;
    count_and_last[1] = MAX(count_and_last[1], pid);
    return 0;
}

static void loadavg(struct proc_text *text, const char *argument)
{
    u32 count_and_last[2] = { 0, 0 };
    if (proc_ops)
        proc_ops->for_each_pid(count_one, count_and_last);
    proc_print(text, "0.00 0.00 0.00 1/%u %u\n", count_and_last[0], count_and_last[1]);
}

static void uuid(struct proc_text *text, const char *argument)
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

struct mounts_text {
    struct proc_text *text;
    bool info;
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
    if (t->info)
        proc_print(t->text, "%u %u 0:%lu / %s %s - %s %s %s\n", m->id, m->parent, m->dev, m->target, options, m->type,
                   m->source, access);
    else
        proc_print(t->text, "%s %s %s %s 0 0\n", m->source, m->target, m->type, options);
}

void proc_text_mounts(struct proc_text *text, bool info)
{
    struct mounts_text t = { text, info };
    mount_for_each(print_mount, &t);
}

// What the enclave knows of each page of user space (EDMM): address range, rights in the EPCM, in use or kept for
// reuse.
static void enclave_pages(struct proc_text *text, const char *argument)
{
    struct emm_run run;
    for (u64 addr = 0; emm_next_run(addr, &run); addr = run.addr + run.count * PAGE_SIZE)
        proc_print(text, "%lx-%lx %c%c%c %s\n", run.addr, run.addr + run.count * PAGE_SIZE,
                   run.prot & EMM_READ ? 'r' : '-', run.prot & EMM_WRITE ? 'w' : '-', run.prot & EMM_EXEC ? 'x' : '-',
                   run.live ? "live" : "idle");
}

// Files of one directory stand together: procfs_dir.c finds the directories by that.
const struct proc_static proc_statics[] = {
    { "cpuinfo", cpuinfo, NULL },
    { "filesystems", constant,
      "nodev\tproc\nnodev\ttmpfs\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\thostfs\nnodev\text2\nnodev\tunionfs" },
    { "loadavg", loadavg, NULL },
    { "meminfo", meminfo, NULL },
    { "occlum/pages", enclave_pages, NULL },
    { "stat", stat, NULL },
    { "sys/fs/file-max", constant, "65536" },
    { "sys/fs/nr_open", constant, "65536" },
    { "sys/fs/pipe-max-size", constant, "65536" },
    { "sys/kernel/cap_last_cap", constant, "40" },
    { "sys/kernel/hostname", constant, "occlum" },
    { "sys/kernel/ngroups_max", constant, "65536" },
    { "sys/kernel/osrelease", constant, "6.1.0-occlum" },
    { "sys/kernel/ostype", constant, "Linux" },
    { "sys/kernel/pid_max", constant, "4194304" },
    { "sys/kernel/random/boot_id", uuid, "boot" },
    { "sys/kernel/random/entropy_avail", constant, "256" },
    { "sys/kernel/random/uuid", uuid, NULL },
    { "sys/kernel/threads-max", constant, "4194304" },
    { "sys/kernel/version", constant, "#1 SMP Occlum LibOS" },
    { "sys/vm/max_map_count", constant, "65530" },
    { "sys/vm/overcommit_memory", constant, "0" },
    { "uptime", uptime, NULL },
    { "version", constant, "Linux version 6.1.0-occlum #1 SMP Occlum LibOS" },
};
const size_t proc_static_count = ARRAY_SIZE(proc_statics);
