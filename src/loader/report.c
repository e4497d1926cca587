// SPDX-License-Identifier: BSD-3-Clause
#include "loader/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/occlum/ocall_types.h"
#include "loader/ocall_dispatch.h"

static const struct loader_options *options;
static const struct enclave_layout *layout;
static struct host_report report;
struct report_times report_times;

static const char *const region_names[HOST_REPORT_REGIONS] = { "image", "kernel_heap", "user_space", "threads" };
// In the order of struct host_report.events.
static const char *const event_names[] = { "EACCEPT",       "EACCEPTCOPY", "EMODPE", "restrict_pages", "type_pages",
                                           "removed_pages", "page_faults", "ocalls", "exceptions" };
static_assert(ARRAY_SIZE(event_names) == ARRAY_SIZE(report.events));

void report_set(const struct loader_options *given, const struct enclave_layout *of)
{
    options = given;
    layout = of;
}

bool report_wanted(void) { return options && options->report; }
u64 report_address(void) { return report_wanted() ? (u64)(uintptr_t)&report : 0; }

u64 report_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static double ms(u64 from, u64 to) { return to > from ? (double)(to - from) / 1e6 : 0; }

struct startup {
    double load, init, exec;
};

static struct startup startup(void)
{
    return (struct startup){ ms(report_times.begun, report_times.loaded), ms(report_times.loaded, report.booted_ns),
                             ms(report.booted_ns, report.started_ns) };
}

static bool edmm(void) { return layout->mode == ENCLAVE_MODE_HW && layout->edmm; }

static void write_json(FILE *file)
{
    struct startup t = startup();
    const struct host_report *r = &report;

    fprintf(file, "{\"platform\": \"%s\", \"emulated\": %s, \"edmm\": %s,\n",
            layout->mode == ENCLAVE_MODE_SIM ? "sim" : "sgx", options->emulated ? "true" : "false",
            edmm() ? "true" : "false");
    fprintf(file, " \"startup_ms\": {\"load\": %.3f, \"init\": %.3f, \"exec\": %.3f},\n \"regions\": {", t.load, t.init,
            t.exec);
    for (size_t i = 0; i < HOST_REPORT_REGIONS; i++)
        fprintf(file, "%s\n  \"%s\": {\"initial\": %lu, \"current\": %lu, \"peak\": %lu, \"max\": %lu}", i ? "," : "",
                region_names[i], r->regions[i].initial, r->regions[i].now, r->regions[i].peak, r->regions[i].max);
    fprintf(file,
            "},\n \"threads\": {\"initial\": %lu, \"current\": %lu, \"peak\": %lu, \"max\": %lu},\n \"events\": "
            "{\"EADD\": %lu",
            r->threads_initial, r->threads_now, r->threads_peak, r->threads_max, platform_counts.eadd);
    for (size_t i = 0; i < ARRAY_SIZE(event_names); i++)
        fprintf(file, ", \"%s\": %lu", event_names[i], r->events[i]);
    fprintf(file, ", \"EENTER\": %lu, \"EEXIT\": %lu},\n \"host_calls\": {", platform_counts.eenter,
            platform_counts.eexit);
    const char *separator = "";
    for (size_t i = 0; i < OCALL_COUNT; i++) {
        u64 count = __atomic_load_n(&ocall_counts[i], __ATOMIC_RELAXED);
        if (count)
            fprintf(file, "%s\"%s\": %lu", separator, ocall_names[i], count);
        separator = count ? ", " : separator;
    }
    fputs("}}\n", file);
}

static double mib(u64 bytes) { return (double)bytes / (1 << 20); }

static void write_table(FILE *file)
{
    struct startup t = startup();
    const struct host_report *r = &report;

    fprintf(file, "occlum report: %s%s, EDMM %s; start: load %.1f ms, init %.1f ms, exec %.1f ms\n",
            layout->mode == ENCLAVE_MODE_SIM ? "simulation" : "SGX", options->emulated ? " (emulated)" : "",
            edmm() ? "on" : "off", t.load, t.init, t.exec);
    fprintf(file, "  %-12s %12s %12s %12s %12s\n", "MiB", "initial", "current", "peak", "max");
    for (size_t i = 0; i < HOST_REPORT_REGIONS; i++)
        fprintf(file, "  %-12s %12.2f %12.2f %12.2f %12.2f\n", region_names[i], mib(r->regions[i].initial),
                mib(r->regions[i].now), mib(r->regions[i].peak), mib(r->regions[i].max));
    fprintf(file, "  %-12s %12lu %12lu %12lu %12lu\n ", "threads", r->threads_initial, r->threads_now, r->threads_peak,
            r->threads_max);
    fprintf(file, " EADD %lu", platform_counts.eadd);
    for (size_t i = 0; i < ARRAY_SIZE(event_names); i++)
        fprintf(file, "%s %s %lu", i == 5 ? "\n " : ",", event_names[i], r->events[i]);
    fprintf(file, ", EENTER %lu, EEXIT %lu\n", platform_counts.eenter, platform_counts.eexit);
}

// The old file stays until the new one is whole.
static int write_file(const char *path)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid()) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    FILE *file = fopen(temporary, "wxe"); // new, so never through a link that somebody put there
    if (!file)
        return -errno;
    write_json(file);
    bool bad = ferror(file);
    if (fclose(file) != 0 || bad || rename(temporary, path) != 0) {
        int err = errno ? -errno : -EIO;
        unlink(temporary);
        return err;
    }
    return 0;
}

void report_write(void)
{
    if (!report_wanted())
        return;
    if (!options->report_path) {
        write_table(stderr);
        return;
    }
    int err = write_file(options->report_path);
    if (err)
        fprintf(stderr, "occlum: --report: %s: %s\n", options->report_path, strerror(-err));
}
