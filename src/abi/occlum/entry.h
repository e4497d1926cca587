// SPDX-License-Identifier: BSD-3-Clause
// Entering and leaving: the codes both sides know. Assembly includes this file.
#pragma once

// EENTER, RDI = code:
//   ECALL_START   RSI = struct host_start_args *, RDX = arena, R8 = arena size   slot 0, once
//   ECALL_THREAD  RDX = arena, R8 = arena size                                    a slot the enclave asked to start
//   ECALL_RETURN  RSI = result of the host call                                   only in answer to EXIT_OCALL
// An EENTER with CSSA = 1 is the exception entry and takes no code.
#define ECALL_START 1
#define ECALL_THREAD 2
#define ECALL_RETURN 3

// EEXIT, RDI = reason:
#define EXIT_OCALL 1    // the host call in the arena: struct ocall_frame
#define EXIT_THREAD 2   // the host thread is done with this slot
#define EXIT_SHUTDOWN 3 // RSI = wait status of the first process | refusal << 32
#define EXIT_RESUME 4   // exception handled: ERESUME
#define EXIT_ABORT 5    // RSI = reason code: the enclave stops here and refuses every further entry
#define EXIT_REFUSED 6  // an entry that the state of the slot does not allow

// Why the first program did not start (EXIT_SHUTDOWN); 0: it ran.
#define REFUSED_ENTRY_POINT 1
#define REFUSED_NOT_FOUND 2
#define REFUSED_NOT_EXECUTABLE 3
#define REFUSED_FORMAT 4
#define REFUSED_TOO_BIG 5
#define REFUSED_MEMORY 6
#define REFUSED_IMAGE 7
#define REFUSED_OTHER 8
#define REFUSED_VOLUME 9
#define REFUSED_VOLUME_BUSY 10
#define REFUSED_VOLUME_KEY 11
#define REFUSED_VOLUME_ACCESS 12
#define REFUSED_VOLUME_SPACE 13
#define REFUSED_IMAGE_KEY_NONE 14
#define REFUSED_IMAGE_KEY_WRONG 15
#define REFUSED_VOLUME_STALE 20
// Why a program did not start in an enclave that serves (HOST_NEWS_REFUSED), besides those above.
#define REFUSED_THREADS 16
#define REFUSED_STOPPING 17
#define REFUSED_FOLDER 18
#define REFUSED_REQUEST 19

#ifndef __ASSEMBLER__
#include "base/types.h"

// At the start of a thread's arena (untrusted). The rest of the arena carries the data of the call.
struct ocall_frame {
    u64 number;
    u64 arg[8];
    // What edmm_augment would be told, before the call is served; length 0: nothing. A hint that costs no exit of its
    // own. Or AUGMENT_HIDE: the range is made inaccessible instead.
    u64 augment_addr, augment_len, augment_prot;
};
#define AUGMENT_HIDE 16

#define OCALL_ARENA_SIZE (160ul << 10)
#endif
