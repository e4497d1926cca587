// SPDX-License-Identifier: BSD-3-Clause
// occlum-build: the verbs that need OpenSSL and expat. `occlum` calls it; people do not.
#include "cli/cli.h"
#include "cli/verbs.h"

static const struct verb verbs[] = {
    { "build", "[options]", "", verb_build, help_build },
    { "print", "mrenclave|mrsigner|sigstruct", "", verb_print, help_print },
};

int main(int argc, char **argv)
{
    const struct verb *verb = argc > 1 ? cli_find_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), argv[1]) : NULL;
    if (!verb)
        return cli_usage("this program is a part of occlum; see: occlum --help");
    return cli_run_verb(verb, argc - 1, argv + 1);
}
