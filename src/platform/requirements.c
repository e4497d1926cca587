// SPDX-License-Identifier: BSD-3-Clause
#include "platform/requirements.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What the loader and libc take beside the enclave, at most.
#define BESIDE MIB(256)
// A new instance's, where nothing is built: the range of simulation, the template's heap and slots.
#define USUAL_ELRANGE ENCLAVE_LEAST_SIMULATED
#define USUAL_COMMITTED MIB(72)

struct sizes {
    u64 reserved, committed; // of the enclave: addresses, and memory that is writable from the start
};

static struct sizes sizes_of(const struct enclave_layout *layout)
{
    if (!layout)
        return (struct sizes){ USUAL_ELRANGE, USUAL_COMMITTED };
    // On SGX the memory is the driver's: no limit of the process counts it.
    u64 private = layout->slot_stride * layout->slots_max + layout->heap_end - layout->heap_start;
    return (struct sizes){ layout->elrange_size, layout->mode == ENCLAVE_MODE_SIM ? private : 0 };
}

static void found(struct requirement *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void found(struct requirement *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->found, sizeof(r->found), format, args);
    va_end(args);
}

static void lacking(struct requirement *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void lacking(struct requirement *r, const char *format, ...)
{
    va_list args;
    r->met = false;
    va_start(args, format);
    vsnprintf(r->cure, sizeof(r->cure), format, args);
    va_end(args);
}

static unsigned long long mib(u64 bytes) { return (unsigned long long)((bytes + MIB(1) - 1) / MIB(1)); }

static void kernel(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    // What it can do is tried: sandboxes tell the release of some old kernel, distributions keep it and add to it.
    found(r, "Linux %s", f->sgx.kernel);
}

static void bases(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    if (f->fsgsbase)
        found(r, "by instruction (FSGSBASE, AT_HWCAP2 bit 1)");
    else if (!f->set_base_error)
        found(r, "by system call: the kernel offers no FSGSBASE (AT_HWCAP2 bit 1). All works, somewhat slower");
    else {
        found(r, "no FSGSBASE, and arch_prctl: %s", strerror(f->set_base_error));
        lacking(r, "a sandbox that lets programs set %%gs by arch_prctl(2) (gVisor does not), or a kernel that offers "
                   "FSGSBASE (Linux 5.9)");
    }
}

static void catching(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    if (!f->user_dispatch_error)
        found(r, "by Syscall User Dispatch");
    else if (!f->filter_error)
        found(r, "by a seccomp filter: there is no Syscall User Dispatch (%s). All works, somewhat slower",
              strerror(f->user_dispatch_error));
    else {
        found(r, "no Syscall User Dispatch (%s), no seccomp filters (%s)", strerror(f->user_dispatch_error),
              strerror(f->filter_error));
        lacking(r, "Linux 5.11 or newer has the first; let the sandbox that runs this permit one of them");
    }
}

static void low_addresses(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    if (!f->low_map_error) {
        found(r, "from 64 KiB on");
    } else if (f->lowest_address != FACT_UNKNOWN && f->lowest_address > ENCLAVE_USER_START) {
        found(r, "vm.mmap_min_addr is %llu", (unsigned long long)f->lowest_address);
        lacking(r, "the enclave begins at 64 KiB: sysctl vm.mmap_min_addr=65536, or the capability CAP_SYS_RAWIO");
    } else {
        found(r, "64 KiB cannot be mapped: %s", strerror(f->low_map_error));
        lacking(r, "the enclave begins at 64 KiB: let the sandbox or security module that forbids it permit that");
    }
}

static void address_space(const struct machine_facts *f, const struct sizes *sizes, struct requirement *r)
{
    if (f->address_space == FACT_UNKNOWN)
        found(r, "without limit");
    else
        found(r, "%llu MiB, of which the enclave reserves %llu", mib(f->address_space), mib(sizes->reserved));
    if (f->address_space < sizes->reserved + BESIDE) {
        lacking(r, "ulimit -v unlimited (addresses cost no memory)");
    } else if (f->range_error && !f->low_map_error) {
        found(r, "the enclave's %llu MiB from 64 KiB on are not free (%s)", mib(sizes->reserved),
              strerror(f->range_error));
        lacking(r, "run it without the tool that occupies addresses of this process (valgrind is such)");
    }
}

static void memory(const struct machine_facts *f, const struct sizes *sizes, struct requirement *r)
{
    u64 room = f->data_size < f->commit_room ? f->data_size : f->commit_room;

    if (room == FACT_UNKNOWN)
        found(r, "without limit");
    else
        found(r, "%llu MiB by %s, of which the enclave takes %llu before its programs", mib(room),
              room == f->data_size ? "ulimit -d" : "vm.overcommit_memory=2", mib(sizes->committed));
    if (room < sizes->committed + BESIDE / 16)
        lacking(r, "%s; or a smaller kernel heap and max_num_of_threads",
                room == f->data_size ? "ulimit -d unlimited"
                                     : "sysctl vm.overcommit_memory=0, or a larger vm.overcommit_ratio");
}

static void random_numbers(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    found(r, "RDRAND: %s", f->rdrand ? "yes" : "no");
    if (!f->rdrand)
        lacking(r, "a CPU of 2012 or newer (Intel) or 2015 (AMD), and a virtual machine that does not hide RDRAND");
}

static void processors(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    found(r, "%u of %u", f->cpus_usable, f->cpus_online);
}

static void proc(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    found(r, "%s", f->proc ? "yes" : "no");
    if (!f->proc)
        lacking(
            r, "mount -t proc proc /proc: `occlum build` finds its parts by it, and the emulator its program's memory");
}

static void emulator(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    if (!f->filter_error && (f->traced || !f->trace_error)) {
        found(r, f->traced ? "seccomp filters; ptrace: not tried, for this process is traced itself"
                           : "ptrace and seccomp filters");
        return;
    }
    found(r, "%s: %s", f->trace_error ? "ptrace" : "seccomp filters",
          strerror(f->trace_error ? f->trace_error : f->filter_error));
    if (f->trace_error)
        lacking(
            r,
            "kernel.yama.ptrace_scope 0 or 1, and a sandbox that permits ptrace (a container: --cap-add SYS_PTRACE)");
    else
        lacking(r, "let the sandbox that runs this permit seccomp(2)");
}

static void sgx_or_edmm(const struct machine_facts *f, bool edmm, struct requirement *r)
{
    char text[600];
    const struct sgx_machine *m = &f->sgx;

    if (edmm)
        found(r, "CPU: %s; driver: %s", m->cpu_sgx2 ? "SGX2" : "no SGX2",
              m->driver_sgx2 ? "knows it" : "does not know it");
    else
        found(r, "CPU: %s; /dev/sgx_enclave: %s", m->cpu_sgx1 ? "SGX1" : "no SGX",
              m->device_error ? strerror(m->device_error) : "usable");
    switch (sgx_machine_decide(m, edmm, text, sizeof(text))) {
    case SGX_RUNS:
    case SGX_RUNS_WITHOUT_EDMM:
        return;
    case SGX_NO_ACCESS:
        lacking(r, "%s", text);
        return;
    case SGX_NO_EDMM:
        lacking(r, "ENABLE_EDMM=N occlum build; or a CPU with SGX2 and Linux 6.0");
        return;
    default:
        lacking(r, "SGX_MODE=SIM occlum build, or occlum run --emulate");
    }
}

static void sgx(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    sgx_or_edmm(f, false, r);
}

static void edmm(const struct machine_facts *f, const struct sizes *, struct requirement *r)
{
    sgx_or_edmm(f, true, r);
}

enum { ALL = FOR_SIMULATION | FOR_EMULATOR | FOR_SGX | FOR_EDMM };

static const struct {
    const char *key, *name;
    unsigned of;
    void (*judge)(const struct machine_facts *, const struct sizes *, struct requirement *);
} table[REQUIREMENTS] = {
    { "kernel", "kernel", ALL, kernel },
    { "segment_bases", "bases of %fs and %gs", FOR_SIMULATION, bases },
    { "syscall_catching", "syscalls are caught", FOR_SIMULATION, catching },
    { "low_addresses", "low addresses", ALL, low_addresses },
    { "address_space", "address space", ALL, address_space },
    { "memory", "memory", ALL, memory },
    { "cpus", "CPUs", ALL, processors },
    { "rdrand", "random numbers", ALL, random_numbers },
    { "proc", "/proc", FOR_EMULATOR, proc },
    { "emulator", "the emulator", FOR_EMULATOR, emulator },
    { "sgx", "SGX", FOR_SGX, sgx },
    { "edmm", "EDMM", FOR_EDMM, edmm },
};

void requirements_judge(const struct machine_facts *facts, const struct enclave_layout *layout,
                        struct requirement ret_list[REQUIREMENTS])
{
    const struct sizes sizes = sizes_of(layout);

    for (size_t i = 0; i < REQUIREMENTS; i++) {
        ret_list[i] =
            (struct requirement){ .key = table[i].key, .name = table[i].name, .of = table[i].of, .met = true };
        table[i].judge(facts, &sizes, &ret_list[i]);
    }
}

const struct requirement *requirements_lacking(const struct requirement list[REQUIREMENTS], unsigned needed)
{
    for (size_t i = 0; i < REQUIREMENTS; i++)
        if (!list[i].met && list[i].of & needed)
            return &list[i];
    return NULL;
}
