// SPDX-License-Identifier: BSD-3-Clause
// An enclave that serves (`occlum start`): its first process is the LibOS's own. It has no program; it takes what
// clients of the host ask for, reaps the orphans of all programs, and ends the enclave when it is asked to.
#pragma once

#include "abi/occlum/ocall_types.h"

// The host showed that requests wait: process 1 will take them. Any thread, no spinlock held.
void process_requests_wait(void);

// Begins the program of a request (HOST_REQUEST_EXEC), a child of process 1 in a session of its own. What comes of it
// the client hears as news; the descriptors are closed in any case. No lock held.
void client_start(const struct host_request *request);
// HOST_NEWS_REFUSED for a program that did not start, and its descriptors are closed.
void client_refuse(const struct host_request *request, int exit_status, u32 refusal);
// Tells a client HOST_NEWS_*. A host that does not listen changes nothing. No spinlock held.
void client_tell(u64 client, u32 news, u64 value);
// A signal for the program of a client, as one from outside is for the first process of `occlum run`: it is checked,
// and means the group in the foreground where a terminal would mean it.
void process_signal_client(u64 client, int signo);
