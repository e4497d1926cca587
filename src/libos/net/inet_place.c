// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/inet_place.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"

enum { FAMILY_INET = 2, FAMILY_INET6 = 10 };

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
static const u8 six_loopback[16] = { [15] = 1 };
static const u8 four_loopback[4] = { 127, 0, 0, 1 };
static const u8 zero[16];

struct place place_of(const struct host_address *address)
{
    struct place place = { .address = { [10] = 0xff, [11] = 0xff } };

    if (address->size == sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address->bytes;
        memcpy(place.address + 12, &four->sin_addr, 4);
        place.port = four->sin_port;
        return place;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address->bytes;
    memcpy(place.address, &six->sin6_addr, 16);
    place.port = six->sin6_port;
    return place;
}

struct host_address place_name(const struct place *place, int family)
{
    struct host_address name = { 0 };

    if (family == FAMILY_INET && place_is_four(place)) {
        struct sockaddr_in four = { .sin_family = FAMILY_INET, .sin_port = place->port };
        memcpy(&four.sin_addr, place->address + 12, 4);
        memcpy(name.bytes, &four, sizeof(four));
        name.size = sizeof(four);
        return name;
    }
    struct sockaddr_in6 six = { .sin6_family = FAMILY_INET6, .sin6_port = place->port };
    memcpy(&six.sin6_addr, place->address, 16);
    memcpy(name.bytes, &six, sizeof(six));
    name.size = sizeof(six);
    return name;
}

bool place_is_four(const struct place *place) { return !memcmp(place->address, mapped, sizeof(mapped)); }

bool place_is_any(const struct place *place)
{
    return place_is_four(place) ? !memcmp(place->address + 12, zero, 4) : !memcmp(place->address, zero, 16);
}

bool place_is_loopback(const struct place *place)
{
    static const u8 broadcast[4] = { 127, 255, 255, 255 };

    if (!place_is_four(place))
        return !memcmp(place->address, six_loopback, 16);
    return place->address[12] == 127 && memcmp(place->address + 12, broadcast, 4);
}

bool place_same_address(const struct place *a, const struct place *b)
{
    return !memcmp(a->address, b->address, sizeof(a->address));
}

void place_resolve_any(struct place *place)
{
    if (!place_is_any(place))
        return;
    if (place_is_four(place))
        memcpy(place->address + 12, four_loopback, 4);
    else
        memcpy(place->address, six_loopback, 16);
}

void place_set_source(struct place *place, const struct place *to)
{
    memcpy(place->address, to->address, sizeof(place->address));
    if (place_is_four(to) && place_is_loopback(to))
        memcpy(place->address + 12, four_loopback, 4);
}

bool place_hears(const struct place *at, bool only_six, const struct place *to)
{
    if (at->port != to->port)
        return false;
    if (place_same_address(at, to))
        return true;
    if (!place_is_any(at) || !place_is_loopback(to))
        return false;
    // [::] hears IPv4 too, unless it was told not to.
    return place_is_four(at) == place_is_four(to) || (!place_is_four(at) && !only_six);
}
