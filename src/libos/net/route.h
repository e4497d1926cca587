// SPDX-License-Identifier: BSD-3-Clause
// Questions to the host's routing, rtnetlink(7): which interfaces, addresses and routes there are is the host's word.
// That the answers are well-formed is checked here.
#pragma once

#include "libos/net/abi_netlink.h"

// The same layout as struct rtattr.
struct route_attribute {
    u16 size, type;
};

static inline size_t route_attribute_size(const struct route_attribute *attribute)
{
    return attribute->size - sizeof(*attribute);
}

static inline const void *route_attribute_data(const struct route_attribute *attribute) { return attribute + 1; }

enum { ROUTE_REQUEST_MAX = 512 }; // bytes of a request

// Bytes of the fixed part of a message of the type, 0: none that is known here.
size_t route_body_size(u16 type);
// The attribute of a checked message, or NULL.
const struct route_attribute *route_attribute(const struct nlmsghdr *message, u16 type);
// Whether the message, of which `size` bytes are there, is what its type says: lengths, attributes, ends of names.
bool route_is_sound(const struct nlmsghdr *message, size_t size);
// Asks the host (RTM_GET...; at most ROUTE_REQUEST_MAX bytes, checked). `each` gets every sound message of the answer,
// NLMSG_DONE and NLMSG_ERROR with it. 0, -errno of asking, or -EIO for an answer that does not end.
__nodiscard long route_ask(const struct nlmsghdr *request, void (*each)(const struct nlmsghdr *message, void *arg),
                           void *arg);
