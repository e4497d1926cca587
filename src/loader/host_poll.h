// SPDX-License-Identifier: BSD-3-Clause
// The host's side of hostpoll: one epoll with all host descriptors that the enclave waits for.
#pragma once

#include "base/types.h"

int host_poll_init(void); // before the enclave runs; 0 or -errno
// Ends the wait of the thread that sleeps in host_poll_wait.
void host_poll_wake(void);
// Registers a descriptor under a cookie, or arms it anew. 0 or -errno.
s64 host_poll_arm(int fd, u64 cookie);
