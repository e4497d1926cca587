// SPDX-License-Identifier: BSD-3-Clause
// The untrusted runtime: loads the signed enclave, owns the host threads, serves host calls.
#pragma once

#include "base/types.h"

struct loader_serve;

struct loader_options {
    const char *enclave_path; // signed enclave file, for messages
    int enclave_fd, image_fd; // open to read; of the image -1 if there is none
    char *const *argv;        // the program and its arguments, NULL-terminated
    char *const *envp;
    const struct loader_serve *serve; // not NULL: the enclave serves instead (serve.h); argv and envp are empty
    u64 log_level;                    // 0 off .. 5 trace
    const u8 *image_key;              // 32 bytes, NULL: none
    bool report;                      // tell at the end, and on SIGUSR1, what was used
    const char *report_path;          // NULL: as a table on stderr
    bool emulated;                    // the machine is sgx2emu's: the report says so
    int learn_fd;                     // gets what programs touch of files; -1: that is not wanted
};

// Runs the enclave to its end, which of one that serves is a request or a signal to stop. Returns the wait(2) status of
// its first process, or -errno after saying why on stderr.
int loader_run(const struct loader_options *options);
