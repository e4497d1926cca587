// SPDX-License-Identifier: BSD-3-Clause
// The guide's Note 4: what runs where, for every combination of what a machine may lack.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "platform/sgx/machine.h"
#include "test.h"

static char text[600];

static struct sgx_machine machine(bool sgx1, bool sgx2, int device_error, bool driver, const char *kernel)
{
    struct sgx_machine m = { .cpu_sgx1 = sgx1, .cpu_sgx2 = sgx2, .device_error = device_error, .driver_sgx2 = driver };
    snprintf(m.kernel, sizeof(m.kernel), "%s", kernel);
    return m;
}

static enum sgx_verdict decide(struct sgx_machine m, bool edmm)
{
    return sgx_machine_decide(&m, edmm, text, sizeof(text));
}
static bool says(const char *part) { return strstr(text, part) != NULL; }

TEST(edmm_where_all_is_there)
{
    CHECK_EQ(decide(machine(true, true, 0, true, "6.1.0"), true), SGX_RUNS);
    CHECK_STR(text, "");
}

TEST(without_edmm_on_a_machine_that_has_it_says_so)
{
    CHECK_EQ(decide(machine(true, true, 0, true, "6.1.0"), false), SGX_RUNS_WITHOUT_EDMM);
    CHECK(says("without EDMM"));
}

TEST(without_edmm_runs_on_less)
{
    CHECK_EQ(decide(machine(true, false, 0, false, "5.11.0"), false), SGX_RUNS);
    CHECK_EQ(decide(machine(true, true, 0, false, "5.11.0"), false), SGX_RUNS);
    CHECK_EQ(decide(machine(true, false, 0, true, "6.1.0"), false), SGX_RUNS);
    CHECK_STR(text, "");
}

TEST(edmm_names_what_is_lacking)
{
    CHECK_EQ(decide(machine(true, false, 0, true, "6.1.0"), true), SGX_NO_EDMM);
    CHECK(says("CPU lacks SGX2") && !says("driver") && !says("kernel is") && says("ENABLE_EDMM=N occlum build"));
    CHECK_EQ(decide(machine(true, true, 0, false, "5.19.0-rc1"), true), SGX_NO_EDMM);
    CHECK(says("kernel is 5.19.0-rc1") && says("6.0") && !says("CPU lacks"));
    CHECK_EQ(decide(machine(true, true, 0, false, "6.1.0"), true), SGX_NO_EDMM);
    CHECK(says("driver does not know") && !says("kernel is") && !says("CPU lacks"));
    CHECK_EQ(decide(machine(true, false, 0, false, "5.15.0"), true), SGX_NO_EDMM);
    CHECK(says("CPU lacks SGX2; the kernel is 5.15.0"));
}

TEST(no_sgx_names_both_ways_out)
{
    for (int edmm = 0; edmm < 2; edmm++) {
        CHECK_EQ(decide(machine(false, false, ENOENT, false, "6.1.0"), edmm), SGX_NO_SGX);
        CHECK(says("CPU does not offer it") && says("SGX_MODE=SIM occlum build") && says("occlum run --emulate"));
        CHECK_EQ(decide(machine(true, true, ENOENT, false, "5.10.0"), edmm), SGX_NO_SGX);
        CHECK(says("kernel is 5.10.0") && says("5.11") && says("SGX_MODE=SIM occlum build"));
        CHECK_EQ(decide(machine(true, true, ENOENT, false, "6.1.0"), edmm), SGX_NO_SGX);
        CHECK(says("CONFIG_X86_SGX") && says("occlum run --emulate"));
        // A device without the CPU's word is no SGX either.
        CHECK_EQ(decide(machine(false, false, 0, true, "6.1.0"), edmm), SGX_NO_SGX);
    }
}

TEST(no_access_names_the_group)
{
    struct sgx_machine m = machine(true, true, EACCES, false, "6.1.0");
    strcpy(m.device_group, "sgx");
    CHECK_EQ(decide(m, true), SGX_NO_ACCESS);
    CHECK(says("group sgx") && says("Permission denied"));
    CHECK_EQ(decide(machine(true, true, EPERM, false, "6.1.0"), false), SGX_NO_ACCESS);
    CHECK(!says("group") && says("owner"));
    // A device that may not be opened is not what is missing where the CPU has no SGX.
    CHECK_EQ(decide(machine(false, false, EACCES, false, "6.1.0"), false), SGX_NO_SGX);
}

// Whatever the combination: EDMM never runs where one of its parts is missing, and every refusal says something.
TEST(every_combination)
{
    static const int errors[] = { 0, ENOENT, EACCES, EBUSY };
    static const char *const kernels[] = { "5.10.1", "5.11.0", "6.0.0", "6.12.3-custom", "nonsense" };
    for (int bits = 0; bits < 16; bits++)
        for (size_t e = 0; e < ARRAY_SIZE(errors); e++)
            for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
                bool sgx1 = bits & 1, sgx2 = bits & 2, driver = bits & 4, edmm = bits & 8;
                enum sgx_verdict v = decide(machine(sgx1, sgx2, errors[e], driver, kernels[k]), edmm);
                bool runs = v == SGX_RUNS || v == SGX_RUNS_WITHOUT_EDMM;
                CHECK_EQ(runs, sgx1 && !errors[e] && (!edmm || (sgx2 && driver)));
                CHECK(v == SGX_RUNS ? !*text : *text && strlen(text) + 1 < sizeof(text));
            }
}
