// SPDX-License-Identifier: BSD-3-Clause
// occlum config: what this Occlum.json means.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/config_table.h"
#include "cli/verbs.h"
#include "sign/libos_elf.h"

const char help_config[] =
    "Shows what Occlum.json means, for both builds side by side: every value of Enclave.xml, the memory that is\n"
    "committed at start, the maximum, the address space, an estimate of the time to load, and warnings. Nothing is\n"
    "written. Colours on a terminal, unless NO_COLOR is set.\n\n"
    "  --json             the same for scripts\n"
    "  --xml              Enclave.xml as occlum build would write it\n"
    "  --edmm Y|N         with --xml: this arithmetic (default: as occlum build would choose)\n"
    "  --file FILE        instead of Occlum.json\n";

static int print_xml(const struct occlum_json *json, const char *edmm, struct config_errors *errors)
{
    struct config_mode mode;
    struct config_xml xml;
    // An explicit arithmetic is a question about the file, so the environment's SGX_MODE does not answer it.
    if (config_select_mode(NULL, edmm ? NULL : getenv("SGX_MODE"), edmm, getenv("ENABLE_EDMM"), json->enable_edmm.value,
                           &mode))
        return cli_error("%s", mode.message);
    if (*mode.message)
        cli_note("%s", mode.message);
    if (config_xml_compute(json, mode.edmm, errors, &xml) || errors->count)
        return STATUS_ERROR;
    config_xml_print(&xml, stdout);
    return STATUS_OK;
}

static int libos_size(struct config_binary *binary)
{
    struct libos_image image;
    const char *why = "cannot be read", *path = find_libos();
    size_t size;

    if (!path)
        return STATUS_ERROR;
    char *elf = read_whole_file(path, &size);
    int err = elf ? libos_image_read((const u8 *)elf, size, &image, &why) : -errno;
    free(elf);
    if (err)
        return cli_error("%s: %s", path, why);
    binary->image_size = image.size;
    for (u64 i = 0; i < image.size / PAGE_SIZE; i++)
        binary->image_committed += image.access[i] ? PAGE_SIZE : 0;
    libos_image_free(&image);
    return STATUS_OK;
}

// What occlum build would put into the enclave besides memory.
static int find_binary(const struct occlum_json *json, struct config_binary *ret_binary)
{
    const struct occlum_image image = { 0 };
    struct config_binary binary = { 0 };
    void *blob;
    size_t size;
    int err = config_blob(json, &image, &blob, &size);

    if (err)
        return cli_error("the measured configuration cannot be made: %s", strerror(-err));
    free(blob);
    binary.config_size = size;
    int status = libos_size(&binary);
    if (!status)
        *ret_binary = binary;
    return status;
}

static int print_both(const struct occlum_json *json, bool as_json, struct config_errors *errors)
{
    struct both_builds both;
    struct config_binary binary;

    for (int edmm = 0; edmm < 2; edmm++)
        if (config_xml_compute(json, edmm, errors, &both.xml[edmm]) && !errors->count)
            return STATUS_ERROR;
    if (errors->count || find_binary(json, &binary))
        return STATUS_ERROR;
    for (int edmm = 0; edmm < 2; edmm++)
        if (config_memory_compute(&both.xml[edmm], &binary, &both.memory[edmm]))
            return cli_error("the sizes add up to more than the 2^46 bytes an enclave may have");
    config_explain(json, &both.xml[1], errors);
    if (as_json)
        config_json_print(&both, errors);
    else
        config_table_print(&both, errors);
    config_errors_clear(errors); // the warnings are shown
    return STATUS_OK;
}

int verb_config(int argc, char **argv)
{
    const char *edmm = NULL, *file = INSTANCE_CONFIG;
    bool as_json = false, as_xml = false;
    const struct cli_option options[] = { { "json", 0, NULL, &as_json },
                                          { "xml", 0, NULL, &as_xml },
                                          { "edmm", 0, &edmm, NULL },
                                          { "file", 'f', &file, NULL } };
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
    if (fflush(stdout) != 0)
        status = cli_error("the output could not be written: %s", strerror(errno));
    config_errors_print(&errors, stderr);
    return status;
}
