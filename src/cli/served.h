// SPDX-License-Identifier: BSD-3-Clause
// The clients' side of an enclave that serves (loader/serve_protocol.h): what exec, stop and status share.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "loader/serve_protocol.h"

// A connection to the enclave of this instance, or -errno without a message: -ENOENT, -ECONNREFUSED where none runs.
int served_connect(void);
// The same with a message. -1: an enclave does not run, or cannot be asked.
int served_connect_or_say(void);
// Sends a packet, with descriptors. 0, or -errno without a message.
int served_send(int fd, struct serve_packet packet, const int *fds, size_t n);
// The next packet. 0; -1: the connection has ended, or the server denied the request, which is said then.
int served_receive(int fd, struct serve_packet *ret_packet);
