// SPDX-License-Identifier: BSD-3-Clause
// Addresses of both internet families in one form, to be compared: an IPv4 address is one of IPv6, mapped (RFC 4291).
#pragma once

#include "abi/occlum/ocall_types.h"

struct endpoint {
    u8 address[16];
    u16 port; // as the network has it
};

struct endpoint endpoint_of(const struct host_address *address);
// The endpoint as an address of a family; one that is not of IPv4 is always one of AF_INET6.
struct host_address endpoint_name(const struct endpoint *endpoint, int family);
bool endpoint_is_four(const struct endpoint *endpoint);
bool endpoint_is_any(const struct endpoint *endpoint);
bool endpoint_is_loopback(const struct endpoint *endpoint); // of 127.0.0.0/8, but its broadcast address, or ::1
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);
// Makes 127.0.0.1 or ::1 of the address that means any: who speaks to that speaks to this machine.
void endpoint_resolve_any(struct endpoint *endpoint);
// From which address this machine speaks to `to`, where nothing else is said: for 127.0.0.0/8 that is 127.0.0.1.
void endpoint_set_source(struct endpoint *endpoint, const struct endpoint *to);
// Whether a socket that is bound there hears what is sent to `to`. only_six: IPV6_V6ONLY.
bool endpoint_hears(const struct endpoint *at, bool only_six, const struct endpoint *to);
