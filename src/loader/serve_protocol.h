// SPDX-License-Identifier: BSD-3-Clause
// What `occlum exec`, `status` and `stop` say to the process of `occlum start`, and it to them: packets of one size on
// a SOCK_SEQPACKET socket. Both ends are the same program; the number of the protocol tells one of another build.
#pragma once

#include "base/types.h"

// In the instance; the folder is its owner's alone.
#define SERVE_FOLDER "run/exec"
#define SERVE_SOCKET "run/exec/occlum.sock"
#define SERVE_LOCK "run/exec/lock"
#define SERVE_LOG "run/exec/occlum.log"

enum { SERVE_PROTOCOL = 1, SERVE_WORDS_MOST = 256 << 10, SERVE_FOLDER_MOST = 4096, SERVE_NAME = 256 };

enum serve_kind {
    // Of clients. EXEC: streams and sizes; the words come in a file of the last descriptor that is passed along, argv,
    // envp and the folder one behind the other, each word with its NUL; the streams that are open come first.
    SERVE_EXEC = 1,
    SERVE_SIGNAL, // value: which
    SERVE_STATUS,
    SERVE_STOP, // value: seconds after SIGTERM
    // Of the server.
    SERVE_STARTED, // value: process id inside
    SERVE_STOPPED, // as SIGTSTP asked
    SERVE_ENDED,   // value: wait(2) status
    SERVE_REFUSED, // value: exit status | REFUSED_* << 32
    SERVE_PROGRAM, // of STATUS: value the process id, since, name
    SERVE_ENCLAVE, // ends STATUS: value the process id of the host, since, count: processes inside
    SERVE_DENIED,  // name: why
};

struct serve_packet {
    u32 protocol, kind;
    u64 value;
    s64 since; // CLOCK_REALTIME, seconds
    u64 count;
    u32 streams; // bit n: descriptor n is passed
    u32 argv_size, envp_size, folder_size;
    char name[SERVE_NAME]; // NUL-terminated
};
