// SPDX-License-Identifier: BSD-3-Clause
// Ends with the status that its argument names.
#include <stdlib.h>

int main(int argc, char **argv) { exit(argc > 1 ? atoi(argv[1]) : 0); }
