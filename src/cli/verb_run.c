// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/emulate.h"
#include "cli/image_key.h"
#include "cli/outputs.h"
#include "cli/verbs.h"
#include "abi/occlum/layout.h"
#include "loader/loader.h"
#include "platform/requirements.h"

const char help_run[] =
    "Starts the enclave and runs PROGRAM, an absolute path inside the image that entry_points of Occlum.json allows.\n"
    "Standard input, output and error are the caller's.\n\n"
    "options:\n"
    "  -e, --emulate               on sgx2emu, the software SGX2 machine that comes with occlum (protects nothing)\n"
    "      --emulate-options=OPTS  words for sgx2emu, quoted as in a shell; implies --emulate\n"
    "  -r, --report[=FILE.json]    at the end, and when occlum gets SIGUSR1: memory, threads and SGX events, as a "
    "table on stderr or\n"
    "                              as JSON in FILE. The host learns these numbers; the program no longer gets SIGUSR1 "
    "from the host\n"
    "      --learn                 notes in the file `learned` of the instance which pages of files the programs "
    "touch, "
    "in addition to what\n"
    "                              it says already. The next occlum build packs it with the image, and starts get by "
    "with fewer exits and\n"
    "                              less memory. The run itself is slower\n"
    "      --image-key FILE        the key of an encrypted image (occlum build --image-key); also of its volumes. "
    "OCCLUM_IMAGE_KEY=FILE\n"
    "                              says the same\n\n"
    "exit status:  that of the program; 128+N when signal N killed it;\n"
    "              126 when entry_points does not allow it or it cannot be executed, 127 when it is not there,\n"
    "              125 when the enclave could not start or had to stop, 1 when the instance is not built\n\n"
    "environment:  OCCLUM_QUIET=1   no notes about simulation and EDMM\n"
    "              OCCLUM_SGX2EMU=FILE   the emulator to use\n"
    "              OCCLUM_EMULATE=1, OCCLUM_EMULATE_OPTIONS=OPTS   as the options, for enclaves built for SGX\n"
    "              OCCLUM_LOG_LEVEL=off|error|warn|info|debug|trace   what the library OS says on stderr (error)\n\n"
    "The program's environment is env.default of Occlum.json, and of the caller's only what env.untrusted names.\n";

extern char **environ;

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

static int exit_status(int wait_status)
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
static int emulate_if_wanted(const struct enclave_layout *layout, bool asked, const char *options, int argc,
                             char **argv)
{
    if (emulated() || (!asked && !environment_asks("OCCLUM_EMULATE")))
        return -1;
    if (layout->mode == ENCLAVE_MODE_SIM) {
        if (asked)
            return cli_error("--emulate: this enclave is built for simulation, which needs no emulator. Build it for "
                             "SGX: occlum build --sgx-mode HW");
        return -1;
    }
    return emulate_exec(options ? options : getenv("OCCLUM_EMULATE_OPTIONS"), argc, argv);
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

int verb_run(int argc, char **argv)
{
    bool emulate = false, report = false, learn = false;
    const char *emulate_options = NULL, *report_path = NULL, *key_path = getenv("OCCLUM_IMAGE_KEY");
    const struct cli_option options_known[] = {
        { "emulate", 'e', NULL, &emulate },       { "emulate-options", 0, &emulate_options, NULL },
        { "report", 'r', &report_path, &report }, { "learn", 0, NULL, &learn },
        { "image-key", 0, &key_path, NULL },
    };
    int first = cli_parse(argc, argv, options_known, sizeof(options_known) / sizeof(options_known[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first >= argc)
        return cli_usage("run needs a PROGRAM. See: occlum run --help");
    if (!instance_check())
        return STATUS_ERROR;
    if (argv[first][0] != '/')
        return cli_error("%s: the program is named by its absolute path inside the image, as /bin/%s", argv[first],
                         argv[first]),
               STATUS_NOT_FOUND;
    static u8 image_key[IMAGE_KEY_BYTES];
    int enclave, image;
    if (outputs_open(&enclave, &image))
        return STATUS_ERROR;
    struct enclave_layout layout = built_layout(enclave);
    int status = emulate_if_wanted(&layout, emulate || emulate_options, emulate_options, argc, argv);
    if (status >= 0)
        return status;
    status = check_machine(&layout);
    if (status)
        return status;
    if (make_volume_folder() || (key_path && *key_path && image_key_read(key_path, image_key)))
        return STATUS_ERROR;
    if (key_path && *key_path)
        note("the image key is read from a file of this machine, which knows it then: for development");
    int learn_fd = learn ? open(INSTANCE_LEARNED, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644) : -1;
    if (learn && learn_fd < 0)
        return cli_error("%s cannot be written: %s", INSTANCE_LEARNED, strerror(errno));
    struct loader_options options = {
        .enclave_path = BUILD_ENCLAVE,
        .enclave_fd = enclave,
        .image_fd = image,
        .argv = argv + first,
        .envp = environ,
        .log_level = log_level(),
        .image_key = key_path && *key_path ? image_key : NULL,
        .learn_fd = learn_fd,
        .report = report || report_path,
        .report_path = report_path,
        .emulated = emulated(),
    };
    status = loader_run(&options);
    // The enclave's other threads may still be inside: leave without running their exit handlers.
    fflush(NULL);
    _exit(status < 0 ? STATUS_LOADER : exit_status(status));
}
