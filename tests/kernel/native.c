// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "platform.h"

int native_run(const char *const *argv)
{
    if (chdir(bench_options.host_path) != 0 || mkdir("x", 0755) != 0 || chdir("x") != 0) {
        perror(bench_options.host_path);
        return 1;
    }
    platform_keep_messages();
    return machine_run_native(argv);
}
