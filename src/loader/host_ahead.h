// SPDX-License-Identifier: BSD-3-Clause
// Reading ahead of the enclave, once for each grant (abi/occlum/ocall_types.h, struct host_ahead). A grant is kept
// under the index in the socket's cookie. One lock for all: who reads holds it, so that no descriptor is closed, and no
// grant taken back, meanwhile.
#pragma once

#include "abi/occlum/ocall_types.h"

int host_ahead_init(void); // before the enclave runs; 0 or -errno
// Before a receive: takes grants back. -EALREADY: the enclave has not seen a piece that was read.
s64 host_ahead_revoke(const struct host_ahead *ahead);
void host_ahead_grant(int fd, u64 cookie, u32 number); // number 0: none
void host_ahead_close(int fd, u64 cookie);             // closes the descriptor
// Reads what the event's socket has, if that was granted, and says so in the event.
void host_ahead_read(struct host_event *event, void *data, size_t room);
