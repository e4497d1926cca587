// SPDX-License-Identifier: BSD-3-Clause
#include "cli/enclave.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/occlum/layout.h"
#include "cli/cli.h"
#include "cli/emulate.h"
#include "cli/image_key.h"
#include "cli/outputs.h"
#include "platform/requirements.h"

static u64 log_level(void)
{
    static const char *const names[] = { "off", "error", "warn", "info", "debug", "trace", NULL };
    const char *wanted = getenv("OCCLUM_LOG_LEVEL");
    if (!wanted || !*wanted)
        return 1;
    for (u64 i = 0; names[i]; i++)
        if (strcmp(names[i], wanted) == 0)
            return i;
    const char *near = cli_nearest(wanted, names);
    cli_note("OCCLUM_LOG_LEVEL=%s is no level (off error warn info debug trace)%s%s; taking error", wanted,
             near ? "; did you mean " : "", near ? near : "");
    return 1;
}

int enclave_exit_status(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return 128 + WTERMSIG(wait_status);
    return WEXITSTATUS(wait_status);
}

static bool environment_asks(const char *name)
{
    const char *value = getenv(name);
    return value && *value && strcmp(value, "0") != 0;
}

// How the enclave is built. One that cannot be read is the loader's to explain.
static struct enclave_layout built_layout(int fd)
{
    struct enclave_file_header header;
    bool ok = pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) && header.magic == ENCLAVE_FILE_MAGIC;
    return ok ? header.layout : (struct enclave_layout){ 0 };
}

// Notes for people, unless OCCLUM_QUIET is set.
static void note(const char *text)
{
    if (!environment_asks("OCCLUM_QUIET"))
        cli_note("%s", text);
}

// Refuses before anything is created what this machine cannot run. 0: go on.
static int check_machine(const struct enclave_layout *layout)
{
    struct machine_facts facts;
    struct requirement list[REQUIREMENTS];
    bool sim = layout->mode == ENCLAVE_MODE_SIM;
    char text[600];

    if (!layout->mode)
        return 0;
    machine_facts_glance(layout, &facts);
    if (sim)
        note("simulation: nothing is protected");
    else if (sgx_machine_decide(&facts.sgx, layout->edmm, text, sizeof(text)) == SGX_RUNS_WITHOUT_EDMM)
        note(text);
    else if (*text)
        return cli_error("%s", text);
    requirements_judge(&facts, layout, list);
    const struct requirement *lacking = requirements_lacking(list, sim ? FOR_SIMULATION : FOR_SGX);
    return lacking ? cli_error("%s: %s. What helps: %s", lacking->name, lacking->found, lacking->cure) : 0;
}

// Under the emulator, when that is wanted. -1: no, go on here.
static int emulate_if_wanted(const struct enclave_layout *layout, const struct enclave_request *request)
{
    bool asked = request->emulate || request->emulate_options;

    if (emulated() || (!asked && !environment_asks("OCCLUM_EMULATE")))
        return -1;
    if (layout->mode == ENCLAVE_MODE_SIM) {
        if (asked)
            return cli_error("--emulate: this enclave is built for simulation, which needs no emulator. Build it for "
                             "SGX: occlum build --sgx-mode HW");
        return -1;
    }
    return emulate_exec(request->emulate_options ? request->emulate_options : getenv("OCCLUM_EMULATE_OPTIONS"),
                        request->argc, request->argv);
}

// Where what programs write to "/" is kept (docs/configuration.md).
static int make_volume_folder(void)
{
    static const char *const folders[] = { "run", "run/mount", "run/mount/__ROOT" };
    int err = 0;

    for (size_t i = 0; i < ARRAY_SIZE(folders) && !err; i++)
        err = make_folder(folders[i]);
    return err;
}

int enclave_prepare(const struct enclave_request *request, struct loader_options *ret_options)
{
    static u8 image_key[IMAGE_KEY_BYTES];
    const char *key_path = request->key_path ? request->key_path : getenv("OCCLUM_IMAGE_KEY");
    bool has_key = key_path && *key_path;
    int enclave, image;

    if (outputs_open(&enclave, &image))
        return STATUS_ERROR;
    struct enclave_layout layout = built_layout(enclave);
    int status = emulate_if_wanted(&layout, request);
    if (status >= 0)
        return status;
    status = check_machine(&layout);
    if (status)
        return status;
    if (make_volume_folder() || (has_key && image_key_read(key_path, image_key)))
        return STATUS_ERROR;
    if (has_key)
        note("the image key is read from a file of this machine, which knows it then: for development");
    *ret_options = (struct loader_options){
        .learn_fd = -1,
        .enclave_path = BUILD_ENCLAVE,
        .enclave_fd = enclave,
        .image_fd = image,
        .log_level = log_level(),
        .image_key = has_key ? image_key : NULL,
        .report = request->report || request->report_path,
        .report_path = request->report_path,
        .emulated = emulated(),
    };
    return STATUS_OK;
}
