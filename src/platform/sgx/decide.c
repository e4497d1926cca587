// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/sgx/machine.h"

#define ELSEWHERE "Build it for simulation: SGX_MODE=SIM occlum build. Or run it on the emulator: occlum run --emulate"

bool sgx_kernel_is(const char *release, long major, long minor)
{
    char *end;
    long first = strtol(release, &end, 10);
    if (end == release || *end != '.')
        return true;
    long second = strtol(end + 1, NULL, 10);
    return first > major || (first == major && second >= minor);
}

static enum sgx_verdict no_sgx(const struct sgx_machine *m, char *text, size_t size)
{
    if (!m->cpu_sgx1)
        snprintf(text, size,
                 "this enclave is built for SGX, and this machine has none: the CPU does not offer it (or the firmware "
                 "has it switched off). " ELSEWHERE);
    else if (!sgx_kernel_is(m->kernel, 5, 11))
        snprintf(text, size,
                 "this enclave is built for SGX. The CPU has it, but the kernel is %s, and the SGX driver came with "
                 "Linux 5.11. " ELSEWHERE,
                 m->kernel);
    else
        snprintf(text, size,
                 "this enclave is built for SGX. The CPU has it, but the kernel shows no /dev/sgx_enclave (%s): is "
                 "CONFIG_X86_SGX set, and the "
                 "firmware's SGX with flexible launch control? " ELSEWHERE,
                 strerror(m->device_error));
    return SGX_NO_SGX;
}

static enum sgx_verdict no_edmm(const struct sgx_machine *m, char *text, size_t size)
{
    char driver[160] = "";
    if (!m->driver_sgx2 && !sgx_kernel_is(m->kernel, 6, 0))
        snprintf(driver, sizeof(driver), "the kernel is %s, and EDMM came with Linux 6.0", m->kernel);
    else if (!m->driver_sgx2)
        snprintf(driver, sizeof(driver), "the SGX driver does not know the SGX2 requests");
    snprintf(text, size,
             "this enclave is built with EDMM, and this machine cannot do it: %s%s%s. Build it without EDMM: "
             "ENABLE_EDMM=N occlum build",
             m->cpu_sgx2 ? "" : "the CPU lacks SGX2", !m->cpu_sgx2 && *driver ? "; " : "", driver);
    return SGX_NO_EDMM;
}

enum sgx_verdict sgx_machine_decide(const struct sgx_machine *m, bool built_with_edmm, char *text, size_t size)
{
    bool edmm = m->cpu_sgx2 && m->driver_sgx2;

    text[0] = '\0';
    if (m->cpu_sgx1 && (m->device_error == EACCES || m->device_error == EPERM)) {
        if (*m->device_group)
            snprintf(text, size, "/dev/sgx_enclave: %s. Join the group %s, which may use it, then log in again",
                     strerror(m->device_error), m->device_group);
        else
            snprintf(text, size, "/dev/sgx_enclave: %s. Its owner must give this user the right to read and write it",
                     strerror(m->device_error));
        return SGX_NO_ACCESS;
    }
    if (!m->cpu_sgx1 || m->device_error)
        return no_sgx(m, text, size);
    if (built_with_edmm)
        return edmm ? SGX_RUNS : no_edmm(m, text, size);
    if (!edmm)
        return SGX_RUNS;
    snprintf(text, size,
             "built without EDMM: all memory is committed at start, though this machine has EDMM (ENABLE_EDMM=Y occlum "
             "build uses it)");
    return SGX_RUNS_WITHOUT_EDMM;
}
