// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/enclave.h"
#include "cli/verbs.h"

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

int verb_run(int argc, char **argv)
{
    struct enclave_request request = { .argc = argc, .argv = argv };
    bool learn = false;
    const struct cli_option options_known[] = {
        { "emulate", 'e', NULL, &request.emulate },
        { "emulate-options", 0, &request.emulate_options, NULL },
        { "report", 'r', &request.report_path, &request.report },
        { "learn", 0, NULL, &learn },
        { "image-key", 0, &request.key_path, NULL },
    };
    struct loader_options options;

    int first = cli_parse(argc, argv, options_known, sizeof(options_known) / sizeof(options_known[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first >= argc)
        return cli_usage("run needs a PROGRAM. See: occlum run --help");
    if (!instance_check())
        return STATUS_ERROR;
    if (!program_path_check(argv[first]))
        return STATUS_NOT_FOUND;
    int status = enclave_prepare(&request, &options);
    if (status)
        return status;
    options.argv = argv + first;
    options.envp = environ;
    if (learn)
        options.learn_fd = open(INSTANCE_LEARNED, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (learn && options.learn_fd < 0)
        return cli_error("%s cannot be written: %s", INSTANCE_LEARNED, strerror(errno));
    status = loader_run(&options);
    // The enclave's other threads may still be inside: leave without running their exit handlers.
    fflush(NULL);
    _exit(status < 0 ? STATUS_LOADER : enclave_exit_status(status));
}
