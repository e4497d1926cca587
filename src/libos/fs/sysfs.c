// SPDX-License-Identifier: BSD-3-Clause
// /sys: what programs look at to find out how large they may become - processors, and the control group whose limits
// are the enclave's. It is a tree of text files like /proc's, made when
// somebody first looks, because there is a folder for each processor, and the host is asked how many there are.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/procfs.h"
#include "libos/fs/procfs_text.h"
#include "libos/mem/heap.h"
#include "libos/vm/vm.h"
#include "trusted/layout.h"

enum { RO = 0444, MAGIC = 0x62656572, NAME_BYTES = 96 }; // SYSFS_MAGIC

static void constant(struct proc_text *text, const char *argument) { proc_print(text, "%s\n", argument); }

static void all_cpus(struct proc_text *text, const char *argument)
{
    u32 cpus = proc_cpu_count();
    proc_print(text, cpus > 1 ? "0-%u\n" : "%u\n", cpus - 1);
}

// As a bit mask in groups of 32.
static void print_mask(struct proc_text *text, u32 first, u32 end)
{
    u32 words = DIV_ROUND_UP(MAX(proc_cpu_count(), 1u), 32u);
    for (u32 word = words; word-- > 0;) {
        u32 bits = 0;
        for (u32 bit = 0; bit < 32; bit++)
            if (word * 32 + bit >= first && word * 32 + bit < end)
                bits |= 1u << bit;
        proc_print(text, "%s%08x", word + 1 < words ? "," : "", bits);
    }
    proc_print(text, "\n");
}

static void all_mask(struct proc_text *text, const char *argument) { print_mask(text, 0, proc_cpu_count()); }

static u32 number(const char *digits)
{
    u32 value = 0;
    for (; *digits; digits++)
        value = value * 10 + (u32)(*digits - '0');
    return value;
}

static void own_mask(struct proc_text *text, const char *argument)
{
    print_mask(text, number(argument), number(argument) + 1);
}

static struct vm_stats vm_now(void)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    return vm;
}

static void memory_max(struct proc_text *text, const char *argument) { proc_print(text, "%lu\n", vm_now().limit); }

static void memory_current(struct proc_text *text, const char *argument)
{
    proc_print(text, "%lu\n", vm_now().committed);
}

static void memory_peak(struct proc_text *text, const char *argument) { proc_print(text, "%lu\n", vm_now().peak); }

static void memory_stat(struct proc_text *text, const char *argument)
{
    struct vm_stats vm = vm_now();
    proc_print(text,
               "anon %lu\nfile 0\nkernel 0\nshmem 0\ninactive_anon 0\nactive_anon %lu\ninactive_file 0\n"
               "active_file 0\n",
               vm.committed, vm.committed);
}

static void pids_max(struct proc_text *text, const char *argument)
{
    proc_print(text, "%u\n", enclave_layout.slots_max);
}

static void pids_current(struct proc_text *text, const char *argument)
{
    struct proc_totals totals = { 0 };
    proc_ops->totals(&totals);
    proc_print(text, "%u\n", totals.threads);
}

static void cpu_stat(struct proc_text *text, const char *argument)
{
    struct proc_totals totals = { 0 };
    proc_ops->totals(&totals);
    proc_print(text, "usage_usec %ld\nuser_usec %ld\nsystem_usec %ld\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
               (totals.user_ns + totals.system_ns) / 1000, totals.user_ns / 1000, totals.system_ns / 1000);
}

static int each_pid(u32 pid, void *text)
{
    proc_print(text, "%u\n", pid);
    return 0;
}
static void cgroup_procs(struct proc_text *text, const char *argument) { proc_ops->for_each(0, each_pid, text); }

static const struct proc_static before[] = {
    { "devices/system/cpu/isolated", constant, "", RO },   { "devices/system/cpu/kernel_max", constant, "8191", RO },
    { "devices/system/cpu/offline", constant, "", RO },    { "devices/system/cpu/online", all_cpus, NULL, RO },
    { "devices/system/cpu/possible", all_cpus, NULL, RO }, { "devices/system/cpu/present", all_cpus, NULL, RO },
};

// Of each processor; the argument of own_mask and constants that are NULL here is its number.
static const struct {
    const char *name;
    void (*produce)(struct proc_text *text, const char *argument);
    const char *argument;
} of_cpu[] = {
    { "online", constant, "1" },
    { "topology/core_cpus", own_mask, NULL },
    { "topology/core_cpus_list", constant, NULL },
    { "topology/core_id", constant, NULL },
    { "topology/core_siblings", all_mask, "" },
    { "topology/core_siblings_list", all_cpus, "" },
    { "topology/die_id", constant, "0" },
    { "topology/package_cpus", all_mask, "" },
    { "topology/package_cpus_list", all_cpus, "" },
    { "topology/physical_package_id", constant, "0" },
    { "topology/thread_siblings", own_mask, NULL },
    { "topology/thread_siblings_list", constant, NULL },
};

static const struct proc_static after[] = {
    { "devices/system/node/has_cpu", constant, "0", RO },
    { "devices/system/node/has_memory", constant, "0", RO },
    { "devices/system/node/node0/cpulist", all_cpus, NULL, RO },
    { "devices/system/node/node0/cpumap", all_mask, NULL, RO },
    { "devices/system/node/node0/distance", constant, "10", RO },
    { "devices/system/node/online", constant, "0", RO },
    { "devices/system/node/possible", constant, "0", RO },
    { "fs/cgroup/cgroup.controllers", constant, "cpuset cpu memory pids", RO },
    { "fs/cgroup/cgroup.procs", cgroup_procs, NULL, RO },
    { "fs/cgroup/cgroup.subtree_control", constant, "", RO },
    { "fs/cgroup/cgroup.type", constant, "domain", RO },
    { "fs/cgroup/cpu.max", constant, "max 100000", RO },
    { "fs/cgroup/cpu.stat", cpu_stat, NULL, RO },
    { "fs/cgroup/cpu.weight", constant, "100", RO },
    { "fs/cgroup/cpuset.cpus", all_cpus, NULL, RO },
    { "fs/cgroup/cpuset.cpus.effective", all_cpus, NULL, RO },
    { "fs/cgroup/cpuset.mems.effective", constant, "0", RO },
    { "fs/cgroup/memory.current", memory_current, NULL, RO },
    { "fs/cgroup/memory.high", constant, "max", RO },
    { "fs/cgroup/memory.max", memory_max, NULL, RO },
    { "fs/cgroup/memory.peak", memory_peak, NULL, RO },
    { "fs/cgroup/memory.stat", memory_stat, NULL, RO },
    { "fs/cgroup/memory.swap.current", constant, "0", RO },
    { "fs/cgroup/memory.swap.max", constant, "0", RO },
    { "fs/cgroup/pids.current", pids_current, NULL, RO },
    { "fs/cgroup/pids.max", pids_max, NULL, RO },
    { "kernel/mm/transparent_hugepage/enabled", constant, "always madvise [never]", RO },
    { "kernel/mm/transparent_hugepage/hpage_pmd_size", constant, "2097152", RO },
    { "kernel/mm/transparent_hugepage/shmem_enabled", constant, "always within_size advise [never] deny force", RO },
};

struct proc_table sys_system = { .magic = MAGIC };

// The files of one processor. False without memory.
static bool add_cpu(struct proc_static *to, u32 cpu)
{
    char *digits = kmalloc(16);
    if (!digits)
        return false;
    fmt_format(digits, 16, "%u", cpu);
    for (size_t i = 0; i < ARRAY_SIZE(of_cpu); i++) {
        char *path = kmalloc(NAME_BYTES);
        if (!path)
            return false;
        fmt_format(path, NAME_BYTES, "devices/system/cpu/cpu%u/%s", cpu, of_cpu[i].name);
        to[i] = (struct proc_static){ path, of_cpu[i].produce, of_cpu[i].argument ? of_cpu[i].argument : digits, RO };
    }
    return true;
}

static int make_table(void)
{
    u32 cpus = proc_cpu_count();
    size_t count = ARRAY_SIZE(before) + cpus * ARRAY_SIZE(of_cpu) + ARRAY_SIZE(after), at = ARRAY_SIZE(before);
    struct proc_static *files = kmalloc(count * sizeof(*files));

    if (!files)
        return -ENOMEM;
    memcpy(files, before, sizeof(before));
    for (u32 cpu = 0; cpu < cpus; cpu++, at += ARRAY_SIZE(of_cpu))
        if (!add_cpu(files + at, cpu))
            return -ENOMEM; // what was made stays: there is no memory for anything else either
    memcpy(files + at, after, sizeof(after));
    sys_system.files = files;
    sys_system.count = count;
    return 0;
}

int sysfs_need_table(void)
{
    static struct mutex lock = MUTEX_INIT(LOCK_SYSFS);

    mutex_lock(&lock);
    int err = sys_system.files ? 0 : make_table();
    mutex_unlock(&lock);
    return err;
}
