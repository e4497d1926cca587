// SPDX-License-Identifier: BSD-3-Clause
#include "cli/emulate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

#include "cli/cli.h"
#include "platform/requirements.h"

enum { MAX_ARGUMENTS = 4096 };

bool emulated(void)
{
    char path[64], name[32] = "";
    int tracer = machine_tracer();

    if (!tracer)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/comm", tracer);
    FILE *file = fopen(path, "re");
    if (file && !fgets(name, sizeof(name), file))
        name[0] = '\0';
    if (file)
        fclose(file);
    return strcmp(name, "sgx2emu\n") == 0;
}

// The emulator beside the running program: installed, or in the build tree.
static bool beside(const char *self, char path[PATH_MAX])
{
    static const char *const places[] = { "sgx2emu", "../../emulator/sgx2emu" };
    const char *slash = strrchr(self, '/');

    for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++)
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - self), self, places[i]) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    return false;
}

int emulate_exec(const char *options, int argc, char **argv)
{
    static char self[PATH_MAX], path[PATH_MAX];
    char *arguments[MAX_ARGUMENTS];
    wordexp_t words;
    const char *named = getenv("OCCLUM_SGX2EMU");
    int count = 0;

    if (own_path(self))
        return STATUS_LOADER;
    if (wordexp(options ? options : "", &words, WRDE_NOCMD) != 0)
        return cli_usage(
            "run: --emulate-options: these are no words: %s. Quote spaces and special characters as in a shell",
            options);
    const char *emulator = named && *named ? named : beside(self, path) ? path : "sgx2emu";
    arguments[count++] = "sgx2emu";
    arguments[count++] = "--pin"; // the supervisor beside its program: the cheapest way to and fro
    for (size_t i = 0; i < words.we_wordc && count < MAX_ARGUMENTS / 2; i++)
        arguments[count++] = words.we_wordv[i];
    if (argc > MAX_ARGUMENTS / 2 - 8)
        return cli_usage("run: too many arguments for --emulate");
    arguments[count++] = self;
    for (int i = 0; i < argc; i++)
        arguments[count++] = argv[i];
    arguments[count] = NULL;
    execvp(emulator, arguments);
    cli_error("--emulate: %s: %s. It comes with occlum; OCCLUM_SGX2EMU names one elsewhere", emulator, strerror(errno));
    return STATUS_LOADER;
}
