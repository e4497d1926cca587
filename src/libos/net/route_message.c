// SPDX-License-Identifier: BSD-3-Clause
// Messages of rtnetlink(7), which may come from a hostile host.
#include "base/string.h"
#include "libos/net/route.h"

#include <linux/neighbour.h>

size_t route_body_size(u16 type)
{
    switch (type) {
    case RTM_NEWLINK:
    case RTM_GETLINK:
        return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
    case RTM_GETADDR:
        return sizeof(struct ifaddrmsg);
    case RTM_NEWROUTE:
    case RTM_GETROUTE:
        return sizeof(struct rtmsg);
    case RTM_NEWNEIGH:
    case RTM_GETNEIGH:
        return sizeof(struct ndmsg);
    default:
        return 0;
    }
}

// The next attribute in [at, end), or NULL: there is none, or *ret_bad.
static const struct route_attribute *attribute_at(const u8 *at, const u8 *end, bool *ret_bad)
{
    const struct route_attribute *attribute = (const struct route_attribute *)(const void *)at;
    size_t left = (size_t)(end - at);

    *ret_bad = false;
    if (left < sizeof(*attribute)) // padding
        return NULL;
    *ret_bad = attribute->size < sizeof(*attribute) || attribute->size > left;
    return *ret_bad ? NULL : attribute;
}

static const u8 *after(const struct route_attribute *attribute, const u8 *end)
{
    size_t size = ALIGN_UP((size_t)attribute->size, 4ul), left = (size_t)(end - (const u8 *)attribute);
    return (const u8 *)attribute + MIN(size, left);
}

static const u8 *attributes_of(const struct nlmsghdr *message)
{
    return (const u8 *)message + sizeof(*message) + ALIGN_UP(route_body_size(message->nlmsg_type), 4ul);
}

const struct route_attribute *route_attribute(const struct nlmsghdr *message, u16 type)
{
    const u8 *end = (const u8 *)message + message->nlmsg_len, *at = attributes_of(message);
    const struct route_attribute *attribute;
    bool bad;

    for (; at < end && (attribute = attribute_at(at, end, &bad)); at = after(attribute, end))
        if (attribute->type == type)
            return attribute;
    return NULL;
}

// Readers trust the kernel that names end and addresses are whole.
static bool attribute_is_sound(u16 message_type, u8 family, const struct route_attribute *attribute)
{
    size_t size = route_attribute_size(attribute);
    const char *text = route_attribute_data(attribute);
    bool name = (message_type == RTM_NEWLINK && (attribute->type == IFLA_IFNAME || attribute->type == IFLA_QDISC)) ||
                (message_type == RTM_NEWADDR && attribute->type == IFA_LABEL);
    bool address = message_type == RTM_NEWADDR &&
                   (attribute->type == IFA_ADDRESS || attribute->type == IFA_LOCAL || attribute->type == IFA_BROADCAST);

    if (name)
        return size >= 1 && size <= 64 && !text[size - 1];
    if (address && (family == AF_INET || family == AF_INET6))
        return size == (family == AF_INET ? 4 : 16);
    if (message_type == RTM_NEWLINK && (attribute->type == IFLA_ADDRESS || attribute->type == IFLA_BROADCAST))
        return size <= 32;
    if (message_type == RTM_NEWLINK && attribute->type == IFLA_MTU)
        return size == 4;
    return true;
}

bool route_is_sound(const struct nlmsghdr *message, size_t size)
{
    const struct route_attribute *attribute;
    bool bad = false;

    if (size < sizeof(*message) || message->nlmsg_len < sizeof(*message) || message->nlmsg_len > size)
        return false;
    if (message->nlmsg_type == NLMSG_DONE)
        return message->nlmsg_len >= sizeof(*message) + 4;
    if (message->nlmsg_type == NLMSG_ERROR)
        return message->nlmsg_len >= sizeof(*message) + sizeof(struct nlmsgerr);
    size_t body = route_body_size(message->nlmsg_type);
    if (!body || message->nlmsg_len < sizeof(*message) + body)
        return false;
    u8 family = *((const u8 *)message + sizeof(*message));
    const u8 *end = (const u8 *)message + message->nlmsg_len, *at = attributes_of(message);
    for (; at < end && (attribute = attribute_at(at, end, &bad)); at = after(attribute, end))
        if (!attribute_is_sound(message->nlmsg_type, family, attribute))
            return false;
    return !bad;
}
