// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/route.h"
#include "test.h"

struct link_message {
    struct nlmsghdr header;
    struct ifinfomsg body;
    u8 rest[96];
};

static size_t put(struct link_message *message, u16 type, const void *data, u16 size)
{
    struct route_attribute *attribute = (void *)((u8 *)message + message->header.nlmsg_len);
    *attribute = (struct route_attribute){ (u16)(sizeof(*attribute) + size), type };
    __builtin_memcpy(attribute + 1, data, size);
    message->header.nlmsg_len += (u32)ALIGN_UP(sizeof(*attribute) + size, 4ul);
    return message->header.nlmsg_len;
}

static struct link_message link_named(const char *name, u16 size)
{
    struct link_message message = { .header = { .nlmsg_len = sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg),
                                                .nlmsg_type = RTM_NEWLINK } };
    put(&message, IFLA_IFNAME, name, size);
    return message;
}

TEST(sound)
{
    struct link_message message = link_named("eth0", 5);
    const u8 hardware[6] = { 1, 2, 3, 4, 5, 6 };
    size_t size = put(&message, IFLA_ADDRESS, hardware, 6);

    CHECK(route_is_sound(&message.header, size));
    CHECK_STR(route_attribute_data(route_attribute(&message.header, IFLA_IFNAME)), "eth0");
    CHECK_EQ(route_attribute_size(route_attribute(&message.header, IFLA_ADDRESS)), 6);
    CHECK(!route_attribute(&message.header, IFLA_QDISC));
}

TEST(not_sound)
{
    struct link_message message = link_named("eth0", 4); // no NUL
    CHECK(!route_is_sound(&message.header, sizeof(message)));
    message = link_named("eth0", 5);
    CHECK(!route_is_sound(&message.header, message.header.nlmsg_len - 4)); // not all of it is there
    message.header.nlmsg_len = 4;
    CHECK(!route_is_sound(&message.header, sizeof(message)));
    message = link_named("eth0", 5);
    message.header.nlmsg_type = 99;
    CHECK(!route_is_sound(&message.header, sizeof(message)));
    message = link_named("eth0", 5);
    *(u16 *)(void *)((u8 *)&message + 32) = 200; // an attribute beyond the end
    CHECK(!route_is_sound(&message.header, sizeof(message)));
    u32 mtu = 0;
    message = link_named("eth0", 5);
    put(&message, IFLA_MTU, &mtu, 2);
    CHECK(!route_is_sound(&message.header, sizeof(message)));
}

// What was found sound can be walked without leaving it (under ASan), whatever it holds.
TEST(any_bytes)
{
    for (int run = 0; run < 200000; run++) {
        size_t size = sizeof(struct nlmsghdr) + test_random() % 80;
        struct link_message *message = __builtin_malloc(size);
        for (size_t i = 0; i < size; i++)
            ((u8 *)message)[i] = (u8)(test_random() % 3 ? test_random() % 9 : test_random());
        message->header.nlmsg_len = (u32)(test_random() % 8 ? size : test_random() % 128);
        message->header.nlmsg_type = (u16)(test_random() % 2 ? RTM_NEWLINK : RTM_NEWADDR);
        if (route_is_sound(&message->header, size)) {
            const struct route_attribute *name = route_attribute(&message->header, IFLA_IFNAME);
            if (name && message->header.nlmsg_type == RTM_NEWLINK)
                CHECK(__builtin_strlen(route_attribute_data(name)) < route_attribute_size(name));
        }
        __builtin_free(message);
    }
}
