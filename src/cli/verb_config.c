// SPDX-License-Identifier: BSD-3-Clause
// occlum config: what this Occlum.json means.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "config/config.h"

const char help_config[] = "Shows what Occlum.json means, for both builds side by side: every value of Enclave.xml, the memory that is\n"
                           "committed at start, the maximum, and warnings. Nothing is written.\n\n"
                           "  --json             the same for scripts\n"
                           "  --xml              Enclave.xml as occlum build would write it\n"
                           "  --edmm Y|N         with --xml: this arithmetic (default: as occlum build would choose)\n"
                           "  --file FILE        instead of Occlum.json\n";

// One per build: [0] without, [1] with EDMM.
struct both {
    struct config_xml xml[2];
    struct config_memory memory[2];
};

// "32 MB" when value is a multiple of a unit, else with one decimal of the largest unit below it.
static const char *human(uint64_t value, char *buffer, size_t size)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    unsigned unit = 0;
    while (unit < 4 && value >> (10 * (unit + 1)))
        unit++;
    uint64_t scale = 1ull << (10 * unit);
    if (value % scale)
        snprintf(buffer, size, "%.1f %s", (double)value / (double)scale, units[unit]);
    else
        snprintf(buffer, size, "%" PRIu64 " %s", value / scale, units[unit]);
    return buffer;
}

static void cell(uint64_t value, bool is_size)
{
    char unit[32], text[64];
    if (is_size)
        snprintf(text, sizeof(text), "%" PRIu64 " (%s)", value, human(value, unit, sizeof(unit)));
    else
        snprintf(text, sizeof(text), "%" PRIu64, value);
    printf("%-28s", text);
}

static void row(const char *name, uint64_t plain, uint64_t edmm, bool is_size)
{
    printf("%-24s", name);
    cell(plain, is_size);
    cell(edmm, is_size);
    printf("\n");
}

static void print_table(const struct both *both)
{
    printf("%-24s%-28s%s\n", "", "without EDMM, and SIM", "with EDMM");
    for (size_t i = 0; i < config_xml_element_count; i++) {
        const struct config_xml_element *element = &config_xml_elements[i];
        row(element->name, config_xml_value(&both->xml[0], element), config_xml_value(&both->xml[1], element), element->is_size);
    }
    row("Committed at start", both->memory[0].committed, both->memory[1].committed, true);
    row("Maximum", both->memory[0].maximum, both->memory[1].maximum, true);
    row("ELRANGE", both->memory[0].elrange, both->memory[1].elrange, true);
    row("Load time, estimated us", both->memory[0].load_us, both->memory[1].load_us, false);
    printf("Without the LibOS image. Load time: 7.1 us a page, a published figure of one Xeon, and modelled EEXTENDs; not measured here.\n"
           "process.default_mmap_size is required but inoperative.\n");
}

static void print_json_build(const struct config_xml *xml, const struct config_memory *memory)
{
    printf("{");
    for (size_t i = 0; i < config_xml_element_count; i++)
        printf("\"%s\": %" PRIu64 ", ", config_xml_elements[i].name, config_xml_value(xml, &config_xml_elements[i]));
    printf("\"committed\": %" PRIu64 ", \"maximum\": %" PRIu64 ", \"elrange\": %" PRIu64 ", \"load_us\": %" PRIu64 "}", memory->committed,
           memory->maximum, memory->elrange, memory->load_us);
}

static void print_json(const struct both *both)
{
    printf("{\"non_edmm\": ");
    print_json_build(&both->xml[0], &both->memory[0]);
    printf(", \"edmm\": ");
    print_json_build(&both->xml[1], &both->memory[1]);
    printf("}\n");
}

static int print_xml(const struct occlum_json *json, const char *edmm, struct config_errors *errors)
{
    struct config_mode mode;
    struct config_xml xml;
    // An explicit arithmetic is a question about the file, so the environment's SGX_MODE does not answer it.
    if (config_select_mode(NULL, edmm ? NULL : getenv("SGX_MODE"), edmm, getenv("ENABLE_EDMM"), json->enable_edmm.value, &mode))
        return cli_error("%s", mode.message);
    if (*mode.message)
        cli_note("%s", mode.message);
    if (config_xml_compute(json, mode.edmm, errors, &xml))
        return STATUS_ERROR;
    config_xml_print(&xml, stdout);
    return STATUS_OK;
}

static int print_both(const struct occlum_json *json, bool as_json, struct config_errors *errors)
{
    struct both both;
    int failed = 0;
    for (int edmm = 0; edmm < 2; edmm++)
        failed |= config_xml_compute(json, edmm, errors, &both.xml[edmm]);
    for (int edmm = 0; edmm < 2 && !failed; edmm++)
        failed |= config_memory_compute(&both.xml[edmm], &both.memory[edmm]);
    if (failed)
        return STATUS_ERROR;
    if (as_json)
        print_json(&both);
    else
        print_table(&both);
    return STATUS_OK;
}

int verb_config(int argc, char **argv)
{
    const char *edmm = NULL, *file = INSTANCE_CONFIG;
    bool as_json = false, as_xml = false;
    const struct cli_option options[] = { { "json", 0, NULL, &as_json }, { "xml", 0, NULL, &as_xml }, { "edmm", 0, &edmm, NULL }, { "file", 'f', &file, NULL } };
    struct occlum_json json;
    struct config_errors errors = { 0 };
    int first = cli_parse(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first < argc || (as_json && as_xml) || (edmm && !as_xml))
        return cli_usage("config takes --json, or --xml with --edmm. See: occlum config --help");
    int status = STATUS_ERROR;
    if (occlum_json_load(file, &errors, &json) == 0) {
        status = as_xml ? print_xml(&json, edmm, &errors) : print_both(&json, as_json, &errors);
        occlum_json_free(&json);
    }
    fflush(stdout);
    if (errors.text)
        fputs(errors.text, stderr);
    config_errors_clear(&errors);
    return status;
}
