// SPDX-License-Identifier: BSD-3-Clause
// The signer as a program for the tests: sign_tool LIBOS XML CONFIG hw|sim edmm|static KEY OUT
#include <stdio.h>
#include <string.h>

#include "sign/sign.h"

static int usage(void)
{
    fprintf(stderr, "usage: sign_tool LIBOS XML CONFIG hw|sim edmm|static KEY OUT\n");
    return 2;
}

int main(int argc, char **argv)
{
    static char config[1 << 20];

    if (argc != 8)
        return usage();
    FILE *file = fopen(argv[3], "rb");
    if (!file)
        return usage();
    size_t size = fread(config, 1, sizeof(config), file);
    fclose(file);
    const struct sign_request request = {
        .libos_path = argv[1],
        .xml_path = argv[2],
        .config = config,
        .config_size = size,
        .mode = strcmp(argv[4], "hw") == 0 ? ENCLAVE_MODE_HW : ENCLAVE_MODE_SIM,
        .edmm = strcmp(argv[5], "edmm") == 0,
        .key_path = strcmp(argv[6], "-") == 0 ? NULL : argv[6],
        .output_path = argv[7],
    };
    struct sign_result result;
    if (sign_enclave(&request, &result) != 0)
        return 1;
    return sign_print(argv[7], SIGN_PRINT_MRENCLAVE, stdout) == 0 ? 0 : 1;
}
