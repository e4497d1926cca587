// SPDX-License-Identifier: BSD-3-Clause
// What occlum says of machines that are not at hand: every lack is told, with what helps, and nothing else is.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "platform/requirements.h"
#include "test.h"

static struct requirement list[REQUIREMENTS];

static struct machine_facts good(void)
{
    struct machine_facts f = {
        .fsgsbase = true,
        .lowest_address = 65536,
        .address_space = FACT_UNKNOWN,
        .data_size = FACT_UNKNOWN,
        .commit_room = FACT_UNKNOWN,
        .cpus_usable = 2,
        .cpus_online = 4,
        .proc = true,
        .rdrand = true,
        .sgx = { .cpu_sgx1 = true, .cpu_sgx2 = true, .driver_sgx2 = true },
    };
    snprintf(f.sgx.kernel, sizeof(f.sgx.kernel), "6.1.0");
    return f;
}

static const struct requirement *of(const char *key)
{
    for (size_t i = 0; i < REQUIREMENTS; i++)
        if (strcmp(list[i].key, key) == 0)
            return &list[i];
    return NULL;
}

// The one that lacks of this machine, if it is the only one; its cure names what is given.
static bool only(const struct machine_facts *f, const char *key, const char *cure)
{
    bool right = true;
    requirements_judge(f, NULL, list);
    for (size_t i = 0; i < REQUIREMENTS; i++)
        right &= list[i].met == (strcmp(list[i].key, key) != 0) && list[i].met == !*list[i].cure && *list[i].found;
    return right && strstr(of(key)->cure, cure);
}

TEST(nothing_lacks)
{
    struct machine_facts f = good();
    requirements_judge(&f, NULL, list);
    for (size_t i = 0; i < REQUIREMENTS; i++) {
        CHECK(list[i].met && !*list[i].cure && *list[i].found && list[i].of);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(list[i].key, list[k].key) != 0);
    }
    CHECK_STR(of("cpus")->found, "2 of 4");
}

TEST(slower_ways_are_no_lack)
{
    struct machine_facts f = good();
    f.fsgsbase = false;
    f.user_dispatch_error = EINVAL;
    f.traced = true, f.trace_error = EPERM;
    requirements_judge(&f, NULL, list);
    CHECK(of("emulator")->met && strstr(of("emulator")->found, "not tried"));
    CHECK(of("segment_bases")->met && strstr(of("segment_bases")->found, "system call"));
    CHECK(of("syscall_catching")->met && strstr(of("syscall_catching")->found, "seccomp filter"));
}

TEST(each_lack_alone)
{
    struct machine_facts f = good();
    f.fsgsbase = false, f.set_base_error = EPERM;
    CHECK(only(&f, "segment_bases", "arch_prctl"));
    f = good(), f.low_map_error = f.range_error = EPERM, f.lowest_address = 1 << 20;
    CHECK(only(&f, "low_addresses", "vm.mmap_min_addr=65536") && strstr(of("low_addresses")->found, "1048576"));
    f = good(), f.low_map_error = ENOMEM;
    CHECK(only(&f, "low_addresses", "sandbox"));
    f = good(), f.range_error = EEXIST;
    CHECK(only(&f, "address_space", "occupies"));
    f = good(), f.address_space = GIB(64), f.range_error = ENOMEM;
    CHECK(only(&f, "address_space", "ulimit -v unlimited"));
    f = good(), f.data_size = MIB(50);
    CHECK(only(&f, "memory", "ulimit -d unlimited"));
    f = good(), f.commit_room = MIB(50);
    CHECK(only(&f, "memory", "vm.overcommit_memory=0"));
    f = good(), f.proc = false;
    CHECK(only(&f, "proc", "mount"));
    f = good(), f.rdrand = false;
    CHECK(only(&f, "rdrand", "hide RDRAND"));
    f = good(), f.trace_error = EPERM;
    CHECK(only(&f, "emulator", "ptrace_scope"));
    f = good(), f.filter_error = EPERM;
    CHECK(only(&f, "emulator", "seccomp"));
    f = good(), f.sgx.cpu_sgx2 = false;
    CHECK(only(&f, "edmm", "ENABLE_EDMM=N"));
}

TEST(neither_way_to_catch_system_calls)
{
    struct machine_facts f = good();
    f.user_dispatch_error = EINVAL, f.filter_error = ENOSYS;
    requirements_judge(&f, NULL, list);
    CHECK(!of("syscall_catching")->met && strstr(of("syscall_catching")->cure, "5.11"));
    CHECK(!of("emulator")->met);
}

TEST(no_sgx_is_said_of_both)
{
    struct machine_facts f = good();
    f.sgx = (struct sgx_machine){ .device_error = ENOENT, .kernel = "6.1.0" };
    requirements_judge(&f, NULL, list);
    CHECK(!of("sgx")->met && strstr(of("sgx")->cure, "SGX_MODE=SIM") && strstr(of("sgx")->cure, "--emulate"));
    CHECK(!of("edmm")->met);
    f.sgx = (struct sgx_machine){ .cpu_sgx1 = true, .device_error = EACCES, .kernel = "6.1.0", .device_group = "sgx" };
    requirements_judge(&f, NULL, list);
    CHECK(strstr(of("sgx")->cure, "group sgx"));
}

// Only what is needed stands in the way.
TEST(what_is_not_needed_does_not_matter)
{
    struct machine_facts f = good();
    f.sgx.cpu_sgx1 = false, f.trace_error = EPERM, f.proc = false;
    requirements_judge(&f, NULL, list);
    CHECK(!requirements_lacking(list, FOR_SIMULATION));
    CHECK(requirements_lacking(list, FOR_EMULATOR) == of("proc"));
    CHECK(requirements_lacking(list, FOR_SGX) == of("sgx"));
}

// Sizes are those of the enclave that is built.
TEST(the_enclave_decides_how_much)
{
    struct enclave_layout small = {
        .mode = ENCLAVE_MODE_SIM, .elrange_size = GIB(1), .slots_max = 4, .slot_stride = MIB(1), .heap_end = MIB(8)
    };
    struct machine_facts f = good();
    f.address_space = GIB(2), f.data_size = MIB(32);
    requirements_judge(&f, &small, list);
    CHECK(of("address_space")->met && of("memory")->met);
    requirements_judge(&f, NULL, list);
    CHECK(!of("address_space")->met && !of("memory")->met);
}

TEST(the_machine_of_this_test_is_looked_at)
{
    struct machine_facts f;
    machine_facts_look(NULL, &f);
    requirements_judge(&f, NULL, list);
    CHECK(f.proc && f.cpus_usable >= 1 && f.cpus_usable <= f.cpus_online);
    CHECK(of("kernel")->met && strlen(of("kernel")->found) > strlen("Linux "));
}
