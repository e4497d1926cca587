// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/inet_endpoint.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"

enum { FAMILY_INET = 2, FAMILY_INET6 = 10 };

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
static const u8 six_loopback[16] = { [15] = 1 };
static const u8 four_loopback[4] = { 127, 0, 0, 1 };
static const u8 zero[16];

struct endpoint endpoint_of(const struct host_address *address)
{
    struct endpoint endpoint = { .address = { [10] = 0xff, [11] = 0xff } };

    if (address->size == sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address->bytes;
        memcpy(endpoint.address + 12, &four->sin_addr, 4);
        endpoint.port = four->sin_port;
        return endpoint;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address->bytes;
    memcpy(endpoint.address, &six->sin6_addr, 16);
    endpoint.port = six->sin6_port;
    return endpoint;
}

struct host_address endpoint_name(const struct endpoint *endpoint, int family)
{
    struct host_address name = { 0 };

    if (family == FAMILY_INET && endpoint_is_four(endpoint)) {
        struct sockaddr_in four = { .sin_family = FAMILY_INET, .sin_port = endpoint->port };
        memcpy(&four.sin_addr, endpoint->address + 12, 4);
        memcpy(name.bytes, &four, sizeof(four));
        name.size = sizeof(four);
        return name;
    }
    struct sockaddr_in6 six = { .sin6_family = FAMILY_INET6, .sin6_port = endpoint->port };
    memcpy(&six.sin6_addr, endpoint->address, 16);
    memcpy(name.bytes, &six, sizeof(six));
    name.size = sizeof(six);
    return name;
}

bool endpoint_is_four(const struct endpoint *endpoint) { return !memcmp(endpoint->address, mapped, sizeof(mapped)); }

bool endpoint_is_any(const struct endpoint *endpoint)
{
    return endpoint_is_four(endpoint) ? !memcmp(endpoint->address + 12, zero, 4) : !memcmp(endpoint->address, zero, 16);
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    static const u8 broadcast[4] = { 127, 255, 255, 255 };

    if (!endpoint_is_four(endpoint))
        return !memcmp(endpoint->address, six_loopback, 16);
    return endpoint->address[12] == 127 && memcmp(endpoint->address + 12, broadcast, 4);
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
    return !memcmp(a->address, b->address, sizeof(a->address));
}

void endpoint_resolve_any(struct endpoint *endpoint)
{
    if (!endpoint_is_any(endpoint))
        return;
    if (endpoint_is_four(endpoint))
        memcpy(endpoint->address + 12, four_loopback, 4);
    else
        memcpy(endpoint->address, six_loopback, 16);
}

void endpoint_set_source(struct endpoint *endpoint, const struct endpoint *to)
{
    memcpy(endpoint->address, to->address, sizeof(endpoint->address));
    if (endpoint_is_four(to) && endpoint_is_loopback(to))
        memcpy(endpoint->address + 12, four_loopback, 4);
}

bool endpoint_hears(const struct endpoint *at, bool only_six, const struct endpoint *to)
{
    if (at->port != to->port)
        return false;
    if (endpoint_same_address(at, to))
        return true;
    if (!endpoint_is_any(at) || !endpoint_is_loopback(to))
        return false;
    // [::] hears IPv4 too, unless it was told not to.
    return endpoint_is_four(at) == endpoint_is_four(to) || (!endpoint_is_four(at) && !only_six);
}
