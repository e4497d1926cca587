// SPDX-License-Identifier: BSD-3-Clause
// Tried rather than looked up wherever a try is harmless: sandboxes forbid things in ways that no file tells.
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/requirements.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

enum { FSGSBASE_BIT = 1 << 1, CPUS_MOST = 1 << 16 };

static u64 number_in(const char *path)
{
    unsigned long long value;
    FILE *file = fopen(path, "re");
    bool ok = file && fscanf(file, "%llu", &value) == 1;

    if (file)
        fclose(file);
    return ok ? value : FACT_UNKNOWN;
}

int machine_tracer(void)
{
    char line[128];
    int tracer = 0;
    FILE *file = fopen("/proc/self/status", "re");

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    if (file)
        fclose(file);
    return tracer;
}

static bool has_rdrand(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

static u64 limit_of(__rlimit_resource_t resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : FACT_UNKNOWN;
}

// /proc/meminfo tells in KiB what is promised already and what may be.
static u64 commit_room(void)
{
    unsigned long long limit = 0, used = 0;
    char line[128];

    if (number_in("/proc/sys/vm/overcommit_memory") != 2)
        return FACT_UNKNOWN;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "CommitLimit: %llu", &limit) != 1)
            sscanf(line, "Committed_AS: %llu", &used);
    if (file)
        fclose(file);
    return limit > used ? (limit - used) << 10 : 0;
}

static unsigned usable_cpus(void)
{
    unsigned count = 0;
    cpu_set_t *set = CPU_ALLOC(CPUS_MOST); // the kernel refuses a mask that is smaller than its own

    if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(CPUS_MOST), set) == 0)
        count = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE(CPUS_MOST), set);
    CPU_FREE(set);
    return count;
}

// Addresses from 64 KiB on. Kernels before 4.17 do not know the flag and may map elsewhere.
static int try_to_map(u64 size)
{
    void *wanted = (void *)ENCLAVE_USER_START;
    void *at = mmap(wanted, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (at == MAP_FAILED)
        return errno;
    munmap(at, size);
    return at == wanted ? 0 : EEXIST;
}

// A filter that allows everything; TRAP and TRACE came with the first filters.
static int filter(void)
{
    struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
    struct sock_fprog program = { .len = 1, .filter = allow };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return errno;
    return 0;
}

// In a child, which ends by it: what stays for good is tried there, and it is traced as the emulator traces.
static void try_in_child(struct machine_facts *facts)
{
    int pipes[2], status;

    facts->filter_error = facts->trace_error = EAGAIN;
    if (pipe(pipes) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        int error = filter();
        if (write(pipes[1], &error, sizeof(error)) == sizeof(error))
            for (;;)
                pause();
        _exit(1);
    }
    close(pipes[1]);
    if (child > 0) {
        if (read(pipes[0], &facts->filter_error, sizeof(int)) != sizeof(int))
            facts->filter_error = ENOSYS;
        facts->trace_error = ptrace(PTRACE_SEIZE, child, NULL, (unsigned long)PTRACE_O_TRACESECCOMP) == 0 ? 0 : errno;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    close(pipes[0]);
}

void machine_facts_glance(const struct enclave_layout *layout, struct machine_facts *ret_facts)
{
    u64 end = layout ? layout->elrange_size : ENCLAVE_LEAST_SIMULATED;
    u64 base;
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    *ret_facts = (struct machine_facts){
        .fsgsbase = getauxval(AT_HWCAP2) & FSGSBASE_BIT,
        .set_base_error = syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 ? 0 : errno,
        .user_dispatch_error = prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == 0 ? 0 : errno,
        .low_map_error = try_to_map(PAGE_SIZE),
        .range_error = try_to_map(end - ENCLAVE_USER_START),
        .lowest_address = FACT_UNKNOWN,
        .address_space = limit_of(RLIMIT_AS),
        .data_size = limit_of(RLIMIT_DATA),
        .commit_room = commit_room(),
        .cpus_usable = usable_cpus(),
        .cpus_online = online > 0 ? (unsigned)online : 1,
        .proc = access("/proc/self/exe", F_OK) == 0,
        .traced = machine_tracer() != 0,
        .rdrand = has_rdrand(),
    };
    if (ret_facts->low_map_error)
        ret_facts->lowest_address = number_in("/proc/sys/vm/mmap_min_addr");
    sgx_machine_detect(&ret_facts->sgx);
}

void machine_facts_look(const struct enclave_layout *layout, struct machine_facts *ret_facts)
{
    machine_facts_glance(layout, ret_facts);
    try_in_child(ret_facts);
}
