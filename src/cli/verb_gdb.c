// SPDX-License-Identifier: BSD-3-Clause
// occlum gdb: `occlum run` under gdb with tools/gdb/occlum-gdb.py, which finds the symbols.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/occlum/layout.h"
#include "cli/cli.h"
#include "cli/verbs.h"

const char help_gdb[] =
    "Runs a program of the image inside the enclave under gdb (Debian's package gdb), with the symbols of the library "
    "OS\n"
    "and of all programs and libraries that it maps. For instances built for simulation: SGX hides the rest.\n\n"
    "Breakpoints in programs are hardware breakpoints, four at most, and may be set before `run`. docs/debugging.md "
    "has\n"
    "an example.\n";

enum { OPTIONS = 8 };

// The helper beside the running program: in the build tree, or installed.
static bool find_helper(const char *self, char path[PATH_MAX])
{
    static const char *const places[] = { "gdb-inside.py", "../share/occlum/gdb-inside.py" };
    int folder = (int)(strrchr(self, '/') - self);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (snprintf(path, PATH_MAX, "%.*s/%s", folder, self, places[i]) < PATH_MAX && access(path, R_OK) == 0)
            return true;
    cli_error("gdb-inside.py is not where occlum is installed. Install occlum again");
    return false;
}

static bool built_for_simulation(void)
{
    struct enclave_file_header header;
    if (enclave_header_read(&header) && header.layout.mode == ENCLAVE_MODE_SIM)
        return true;
    cli_error("gdb needs an instance that is built for simulation: SGX_MODE=SIM occlum build");
    return false;
}

int verb_gdb(int argc, char **argv)
{
    static char self[PATH_MAX], helper[PATH_MAX];

    int first = cli_parse(argc, argv, NULL, 0);
    if (first < 0 || first >= argc)
        return cli_usage("gdb needs a PROGRAM. See: occlum gdb --help");
    if (!instance_check() || !built_for_simulation() || own_path(self) || !find_helper(self, helper))
        return STATUS_ERROR;
    char **words = calloc((size_t)(argc - first) + OPTIONS, sizeof(*words));
    if (!words)
        return cli_error("%s", strerror(ENOMEM));
    char *const options[] = { "gdb", "-q", "-x", helper, "--args", self, "run" };
    memcpy(words, options, sizeof(options));
    memcpy(words + sizeof(options) / sizeof(options[0]), argv + first, (size_t)(argc - first) * sizeof(*words));
    execvp("gdb", words);
    return cli_error("gdb: %s. Debian has it in the package gdb", strerror(errno));
}
