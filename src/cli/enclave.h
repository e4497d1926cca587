// SPDX-License-Identifier: BSD-3-Clause
// What `run` and `start` share: from the built instance to the loader.
#pragma once

#include "loader/loader.h"

struct enclave_request {
    bool emulate, report;
    const char *emulate_options, *report_path, *key_path; // NULL: not given
    int argc;
    char **argv; // the command that is repeated under the emulator, from the verb on
};

// Opens the build, checks the machine, makes the folders of the volume, and fills the loader's options but for program,
// environment and serving. STATUS_OK, or an exit status after a message. Where the emulator is wanted, it takes the
// place of this process.
int enclave_prepare(const struct enclave_request *request, struct loader_options *ret_options);
// A wait(2) status as a shell shows it.
int enclave_exit_status(int wait_status);
