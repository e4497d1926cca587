// SPDX-License-Identifier: BSD-3-Clause
// Finding and running a verb.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"

const struct verb *cli_find_verb(const struct verb *verbs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    // Behind the program's name the arguments of `run` and `exec` are the program's.
    for (int i = 1; i < argc && argv[i][0] == '-'; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return strcmp(argv[0], "run") != 0 && strcmp(argv[0], "exec") != 0 && argc > 1 &&
           strcmp(argv[argc - 1], "--help") == 0;
}

int cli_run_verb(const struct verb *verb, int argc, char **argv)
{
    if (verb->help && asks_for_help(argc, argv)) {
        printf("usage: occlum %s %s\n\n%s\n", verb->name, verb->arguments, verb->help);
        return STATUS_OK;
    }
    return verb->run(argc, argv);
}

// Becomes the program that stands beside this one; returns only when it cannot.
static int become(const char *program, char **arguments)
{
    char self[PATH_MAX], path[PATH_MAX + 32];

    if (own_path(self))
        return STATUS_ERROR;
    snprintf(path, sizeof(path), "%.*s/%.30s", (int)(strrchr(self, '/') - self), self, program);
    execv(path, arguments);
    return cli_error("%s, which does this, is not where occlum is installed: %s. Install occlum again", program,
                     strerror(errno));
}

int cli_delegate(int argc, char **argv)
{
    char *arguments[64] = { "occlum-build" };
    if (argc > 60)
        return cli_usage("%s: too many arguments", argv[0]);
    memcpy(arguments + 1, argv, (size_t)argc * sizeof(char *));
    return become("occlum-build", arguments);
}

int cli_mount(int argc, char **argv) { return become("occlum-mount", argv); }
int cli_copy_bom(int argc, char **argv) { return become("copy_bom", argv); }
