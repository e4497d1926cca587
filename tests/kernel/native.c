// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "platform.h"

int native_run(const char *const *argv)
{
    if (chdir(bench_options.host_path) != 0) {
        perror(bench_options.host_path);
        return 1;
    }
    return machine_run_native(argv);
}
