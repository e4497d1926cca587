// SPDX-License-Identifier: BSD-3-Clause
// Addresses of both internet families in one form, to be compared: an IPv4 address is one of IPv6, mapped (RFC 4291).
#pragma once

#include "abi/occlum/ocall_types.h"

struct place {
    u8 address[16];
    u16 port; // as the network has it
};

struct place place_of(const struct host_address *address);
// The place as an address of a family; a place that is not of IPv4 is always one of AF_INET6.
struct host_address place_name(const struct place *place, int family);
bool place_is_four(const struct place *place);
bool place_is_any(const struct place *place);
bool place_is_loopback(const struct place *place); // of 127.0.0.0/8, but its broadcast address, or ::1
bool place_same_address(const struct place *a, const struct place *b);
// Makes 127.0.0.1 or ::1 of the address that means any: who speaks to that speaks to this machine.
void place_resolve_any(struct place *place);
// From which address this machine speaks to `to`, where nothing else is said: for 127.0.0.0/8 that is 127.0.0.1.
void place_set_source(struct place *place, const struct place *to);
// Whether a socket that is bound there hears what is sent to `to`. only_six: IPV6_V6ONLY.
bool place_hears(const struct place *at, bool only_six, const struct place *to);
