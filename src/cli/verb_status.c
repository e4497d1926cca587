// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/occlum/layout.h"
#include "cli/cli.h"
#include "cli/emulate.h"
#include "cli/running.h"
#include "cli/verbs.h"
#include "platform/requirements.h"

const char help_status[] =
    "Says in which mode the instance is built, with or without EDMM, and how large it is; whether its enclave runs "
    "(occlum\n"
    "start) and which programs of occlum exec run in it; then, line by line, what\n"
    "occlum needs of this machine, whether it is there, and what helps where it is not.\n\n"
    "      --json  the same for programs\n\n"
    "exit status: 0 built, 1 not built or no instance; what the machine lacks does not change it\n";

// All that is told.
struct status {
    bool instance, built;
    struct enclave_file_header header;
    struct machine_facts facts;
    struct requirement list[REQUIREMENTS];
    unsigned needed; // FOR_...: by what is built, or by all ways to run where nothing is
    enum sgx_verdict verdict;
    struct running running;
    char text[600]; // of the verdict
};

static bool simulated(const struct status *s) { return s->header.layout.mode == ENCLAVE_MODE_SIM; }

static void gather(struct status *s)
{
    const struct enclave_layout *layout = &s->header.layout;

    s->built = s->instance && enclave_header_read(&s->header);
    if (s->instance)
        running_look(&s->running);
    machine_facts_look(s->built ? layout : NULL, &s->facts);
    requirements_judge(&s->facts, s->built ? layout : NULL, s->list);
    if (!s->built)
        s->needed = FOR_SIMULATION | FOR_EMULATOR;
    else if (simulated(s))
        s->needed = FOR_SIMULATION;
    else
        s->needed = FOR_SGX | (layout->edmm ? FOR_EDMM : 0);
    if (s->built && !simulated(s))
        s->verdict = sgx_machine_decide(&s->facts.sgx, layout->edmm, s->text, sizeof(s->text));
}

static bool runs(const struct status *s)
{
    return s->built && (simulated(s) || s->verdict == SGX_RUNS || s->verdict == SGX_RUNS_WITHOUT_EDMM) &&
           !requirements_lacking(s->list, s->needed);
}

struct size {
    const char *key, *name;
    u64 bytes;
};
enum { SIZES = 7 };

static void sizes_of(const struct status *s, struct size ret_sizes[SIZES])
{
    const struct enclave_layout *layout = &s->header.layout;
    struct stat st;
    const struct size sizes[SIZES] = {
        { "user_space_initial", "user space, initial", layout->user_committed_end - layout->user_start },
        { "user_space_maximum", "user space, maximum", layout->user_limit },
        { "kernel_heap_initial", "kernel heap, initial", layout->heap_init_end - layout->heap_start },
        { "kernel_heap_maximum", "kernel heap, maximum", layout->heap_end - layout->heap_start },
        { "enclave_address_range", "enclave address range", layout->elrange_size },
        { "enclave_file", "enclave file", s->header.size },
        { "image_file", "image file", stat(BUILD_IMAGE, &st) == 0 ? (u64)st.st_size : 0 },
    };
    memcpy(ret_sizes, sizes, sizeof(sizes));
}

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

// What this machine offers, and what `occlum run` would therefore do.
static void print_machine(const struct status *s)
{
    const struct sgx_machine *m = &s->facts.sgx;

    const char *cpu = m->cpu_sgx1 ? "SGX1" : "no SGX", *device = m->driver_sgx2 ? "with EDMM" : "without EDMM";
    if (m->cpu_sgx2)
        cpu = "SGX2";
    if (m->device_error)
        device = strerror(m->device_error);
    printf("%-22s CPU: %s; kernel %s; device: %s; vDSO entry: %s%s\n", "this machine", cpu, m->kernel, device,
           m->vdso_entry ? "yes" : "no", emulated() ? "; all of it emulated by sgx2emu" : "");
    if (!runs(s))
        printf("%-22s is refused%s%s\n", "occlum run", *s->text ? ": " : ": see what is lacking below", s->text);
    else if (simulated(s))
        printf("%-22s runs in simulation\n", "occlum run");
    else
        printf("%-22s runs with%s EDMM%s%s\n", "occlum run", s->header.layout.edmm ? "" : "out", *s->text ? ": " : "",
               s->text);
}

static void print_requirements(const struct status *s)
{
    for (size_t i = 0; i < REQUIREMENTS; i++) {
        const struct requirement *r = &s->list[i];
        printf("%-22s %s", r->name, r->found);
        if (!r->met && r->of & s->needed)
            printf(". LACKING; what helps: %s", r->cure);
        else if (!r->met)
            printf(". Not needed by this build");
        putchar('\n');
    }
}

static void print_built(const struct status *s)
{
    const struct enclave_layout *layout = &s->header.layout;
    struct size sizes[SIZES];

    printf("%-22s built\n", "state");
    printf("%-22s %s\n", "platform",
           simulated(s) ? "simulation (SGX_MODE=SIM): nothing is protected" : "SGX hardware (SGX_MODE=HW)");
    printf("%-22s %s\n", "EDMM",
           layout->edmm ? "on: memory and threads beyond the initial ones are added on demand" : "off");
    printf("%-22s %s\n", "debuggable",
           s->header.sigstruct.attributes.flags & SGX_ATTR_DEBUG ? "yes: the host may read the enclave" : "no");
    print_machine(s);
    sizes_of(s, sizes);
    for (size_t i = 0; i < SIZES; i++)
        print_size(sizes[i].name, sizes[i].bytes);
    printf("%-22s %u\n%-22s %u\n", "threads, initial", layout->slots_init, "threads, maximum", layout->slots_max);
}

static void print_pair(const char *key, const char *text, const char *end)
{
    printf("\"%s\": ", key);
    cli_json_string(text, strlen(text));
    fputs(end, stdout);
}

static const char *boolean(bool value) { return value ? "true" : "false"; }

static void print_built_json(const struct status *s)
{
    const struct enclave_layout *layout = &s->header.layout;
    struct size sizes[SIZES];

    printf("\"platform\": \"%s\", \"edmm\": %s, \"debuggable\": %s, ", simulated(s) ? "sim" : "sgx",
           boolean(layout->edmm), boolean(s->header.sigstruct.attributes.flags & SGX_ATTR_DEBUG));
    sizes_of(s, sizes);
    for (size_t i = 0; i < SIZES; i++)
        printf("\"%s\": %llu, ", sizes[i].key, (unsigned long long)sizes[i].bytes);
    printf("\"threads_initial\": %u, \"threads_maximum\": %u, ", layout->slots_init, layout->slots_max);
    print_pair("refusal", s->text, ", ");
}

static void print_json(const struct status *s)
{
    printf("{\"instance\": %s, \"built\": %s, \"runs\": %s, \"emulated\": %s, ", boolean(s->instance),
           boolean(s->built), boolean(runs(s)), boolean(emulated()));
    if (s->built)
        print_built_json(s);
    printf("\"enclave\": ");
    running_print_json(&s->running);
    printf(", \"requirements\": [");
    for (size_t i = 0; i < REQUIREMENTS; i++) {
        const struct requirement *r = &s->list[i];
        printf("%s{\"name\": \"%s\", \"met\": %s, \"needed\": %s, ", i ? ", " : "", r->key, boolean(r->met),
               boolean(r->of & s->needed));
        print_pair("found", r->found, ", ");
        print_pair("helps", r->cure, "}");
    }
    printf("]}\n");
}

int verb_status(int argc, char **argv)
{
    static struct status s;
    bool json = false;
    const struct cli_option options[] = { { .name = "json", .flag = &json } };

    int first = cli_parse(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first < argc)
        return cli_usage("status takes no arguments. See: occlum status --help");
    s.instance = instance_check();
    gather(&s);
    if (json) {
        print_json(&s);
    } else {
        if (s.built)
            print_built(&s);
        else if (s.instance)
            printf("%-22s not built (occlum build)\n", "state");
        if (s.instance)
            running_print(&s.running);
        print_requirements(&s);
    }
    return s.built ? STATUS_OK : STATUS_ERROR;
}
