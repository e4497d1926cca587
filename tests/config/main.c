// SPDX-License-Identifier: BSD-3-Clause
// `occlum config` alone.
#include "cli/verbs.h"

int main(int argc, char **argv)
{
    return verb_config(argc, argv);
}
