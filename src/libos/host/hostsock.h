// SPDX-License-Identifier: BSD-3-Clause
// Sockets of the host: host calls with checked answers. A host socket never blocks; -EAGAIN says so. What an address of
// the host looks like is checked and its unused bytes are zero: -EIO for what cannot be.
#pragma once

#include "abi/linux/abi.h"
#include "abi/occlum/ocall_types.h"

enum { HOSTSOCK_CHUNK = 64 << 10 }; // bytes one host call moves at most; more than a datagram can have

__nodiscard int hostsock_open(int family, int type, int protocol);
// cookie: under which it is registered; 0: it is not.
void hostsock_close(int fd, u64 cookie);
__nodiscard int hostsock_bind(int fd, const struct host_address *address);
__nodiscard int hostsock_connect(int fd, const struct host_address *address);
__nodiscard int hostsock_listen(int fd, int backlog);
// The descriptor of an accepted socket, registered under the cookie. grant: as in struct host_ahead.
__nodiscard int hostsock_accept(int fd, int family, u64 cookie, u32 grant, struct host_address *ret_peer);
__nodiscard int hostsock_name(int fd, int family, bool of_peer, struct host_address *ret_address);
// ahead: NULL: nothing is to be read ahead.
__nodiscard long hostsock_send(int fd, const void *data, size_t size, u32 flags, const struct host_address *to,
                               const struct host_ahead *ahead);
// ret_received->size is at least what is returned.
__nodiscard long hostsock_receive(int fd, int family, void *data, size_t size, u32 flags,
                                  struct host_received *ret_received, const struct host_ahead *ahead);
// The same with ancillary data as cmsg(3) has it. What came of it is the host's word: ret_received->control_size is at
// most control_size, no more is checked.
__nodiscard long hostsock_send_with(int fd, const void *data, size_t size, u32 flags, const struct host_address *to,
                                    const void *control, size_t control_size);
__nodiscard long hostsock_receive_with(int fd, int family, void *data, size_t size, u32 flags,
                                       struct host_received *ret_received, void *control, size_t control_size);
// A datagram of a family whose addresses mean nothing here.
__nodiscard long hostsock_receive_unnamed(int fd, void *data, size_t size, struct host_received *ret_received);
__nodiscard int hostsock_shutdown(int fd, int how);
// The size of the value, or -errno.
__nodiscard int hostsock_get_option(int fd, int level, int option, void *value, u32 size);
__nodiscard int hostsock_set_option(int fd, int level, int option, const void *value, u32 size);
// An ioctl whose argument is a structure of a fixed size without pointers.
__nodiscard int hostsock_ioctl(int fd, u32 command, void *argument, size_t size);
