// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "sign/sign.h"

const char help_print[] = "Prints the identity of the enclave that the last build made:\n"
                          "  mrenclave   the measurement of its initial contents, configuration and image\n"
                          "  mrsigner    the hash of the key that signed it\n"
                          "  sigstruct   the whole signature structure\n";

int verb_print(int argc, char **argv)
{
    static const char *const names[] = { "mrenclave", "mrsigner", "sigstruct", NULL };
    static const enum sign_print parts[] = { SIGN_PRINT_MRENCLAVE, SIGN_PRINT_MRSIGNER, SIGN_PRINT_SIGSTRUCT };
    int first = cli_parse(argc, argv, NULL, 0);

    if (first < 0 || argc - first != 1)
        return cli_usage("print needs one of mrenclave, mrsigner, sigstruct. See: occlum print --help");
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(argv[first], names[i]) != 0)
            continue;
        if (!instance_check())
            return STATUS_ERROR;
        return sign_print(BUILD_ENCLAVE, parts[i], stdout) ? STATUS_ERROR : STATUS_OK;
    }
    const char *near = cli_nearest(argv[first], names);
    return cli_usage("print: unknown part %s%s%s. See: occlum print --help", argv[first], near ? ". Did you mean " : "",
                     near ? near : "");
}
