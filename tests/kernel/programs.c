// SPDX-License-Identifier: BSD-3-Clause
#include "programs.h"

static const struct bench_program smoke = { "smoke", program_smoke }, load = { "load", program_load },
                                  worker = { "worker", program_worker }, regress = { "regress", program_regress },
                                  wakeups = { "wakeups", program_wakeups }, stubs = { "stubs", program_stubs },
                                  compare = { "compare", program_compare };

const struct bench_program *const bench_programs[] = { &smoke,   &load,  &worker,  &regress,
                                                       &wakeups, &stubs, &compare, NULL };
