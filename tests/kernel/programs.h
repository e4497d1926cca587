// SPDX-License-Identifier: BSD-3-Clause
// The programs that the bench runs inside.
#pragma once

#include "user.h"

int program_smoke(int argc, char **argv);
int program_load(int argc, char **argv);
int program_worker(int argc, char **argv); // argv[1]: seed
int program_regress(int argc, char **argv);
int program_compare(int argc, char **argv);
int program_stubs(int argc, char **argv);
int program_wakeups(int argc, char **argv);
