// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/occlum/layout.h"
#include "cli/cli.h"
#include "cli/emulate.h"
#include "cli/verbs.h"
#include "platform/sgx/machine.h"

const char help_status[] = "Says in which mode the instance is built, with or without EDMM, and how large it is.\n"
                           "exit status: 0 built, 1 not built or no instance\n";

static void print_size(const char *name, unsigned long long bytes)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    printf("%-22s %.*f %s\n", name, unit && value < 100 ? 1 : 0, value, units[unit]);
}

static bool read_header(struct enclave_file_header *ret_header)
{
    FILE *file = fopen(BUILD_ENCLAVE, "re");
    bool ok = file && fread(ret_header, sizeof(*ret_header), 1, file) == 1 && ret_header->magic == ENCLAVE_FILE_MAGIC &&
              ret_header->version == ENCLAVE_FILE_VERSION;
    if (file)
        fclose(file);
    return ok;
}

// What this machine offers, and what `occlum run` would therefore do.
static void print_machine(const struct enclave_layout *layout)
{
    struct sgx_machine m;
    char text[600];

    sgx_machine_detect(&m);
    const char *cpu = m.cpu_sgx1 ? "SGX1" : "no SGX", *device = m.driver_sgx2 ? "with EDMM" : "without EDMM";
    if (m.cpu_sgx2)
        cpu = "SGX2";
    if (m.device_error)
        device = strerror(m.device_error);
    printf("%-22s CPU: %s; kernel %s; device: %s; vDSO entry: %s%s\n", "this machine", cpu, m.kernel, device,
           m.vdso_entry ? "yes" : "no", emulated() ? "; all of it emulated by sgx2emu" : "");
    if (layout->mode == ENCLAVE_MODE_SIM) {
        printf("%-22s runs in simulation\n", "occlum run");
        return;
    }
    enum sgx_verdict verdict = sgx_machine_decide(&m, layout->edmm, text, sizeof(text));
    bool runs = verdict == SGX_RUNS || verdict == SGX_RUNS_WITHOUT_EDMM;
    printf("%-22s %s%s%s\n", "occlum run", runs ? layout->edmm ? "runs with EDMM" : "runs without EDMM" : "is refused",
           *text ? ": " : "", text);
}

int verb_status(int argc, char **argv)
{
    struct enclave_file_header header;
    struct stat st;

    if (cli_parse(argc, argv, NULL, 0) < argc)
        return cli_usage("status takes no arguments. See: occlum status --help");
    if (!instance_check())
        return STATUS_ERROR;
    if (!read_header(&header)) {
        printf("%-22s not built (occlum build)\n", "state");
        return STATUS_ERROR;
    }
    const struct enclave_layout *layout = &header.layout;
    bool sim = layout->mode == ENCLAVE_MODE_SIM;
    printf("%-22s built\n", "state");
    printf("%-22s %s\n", "platform",
           sim ? "simulation (SGX_MODE=SIM): nothing is protected" : "SGX hardware (SGX_MODE=HW)");
    printf("%-22s %s\n", "EDMM",
           layout->edmm ? "on: memory and threads beyond the initial ones are added on demand" : "off");
    printf("%-22s %s\n", "debuggable",
           header.sigstruct.attributes.flags & SGX_ATTR_DEBUG ? "yes: the host may read the enclave" : "no");
    print_machine(layout);
    print_size("user space, initial", layout->user_committed_end - layout->user_start);
    print_size("user space, maximum", layout->user_limit);
    print_size("kernel heap, initial", layout->heap_init_end - layout->heap_start);
    print_size("kernel heap, maximum", layout->heap_end - layout->heap_start);
    printf("%-22s %u\n%-22s %u\n", "threads, initial", layout->slots_init, "threads, maximum", layout->slots_max);
    print_size("enclave address range", layout->elrange_size);
    print_size("enclave file", header.size);
    if (stat(BUILD_IMAGE, &st) == 0)
        print_size("image file", (unsigned long long)st.st_size);
    return STATUS_OK;
}
