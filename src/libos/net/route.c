// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/route.h"
#include "base/string.h"
#include "libos/host/hostsock.h"
#include "libos/mem/heap.h"

enum { CHUNK = 32 << 10, CHUNKS_MAX = 256 }; // what the host answers with at once; how often

// True: the answer has ended. What is not sound is left out.
static bool hand_out(const u8 *data, size_t size, bool dump, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
    while (size >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)data;
        if (message->nlmsg_len < sizeof(*message) || message->nlmsg_len > size)
            return true;
        bool last = !dump || message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
        if (route_is_sound(message, size))
            each(message, arg);
        if (last)
            return true;
        size_t step = MIN(ALIGN_UP((size_t)message->nlmsg_len, 4ul), size);
        data += step;
        size -= step;
    }
    return false;
}

static long collect(int fd, bool dump, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
    struct host_received received;
    void *data = kmalloc(CHUNK);
    long n = data ? 0 : -ENOMEM;
    bool ended = false;

    for (int i = 0; data && !ended && i < CHUNKS_MAX; i++) {
        n = hostsock_receive_unnamed(fd, data, CHUNK, &received);
        if (n <= 0)
            break;
        ended = hand_out(data, (size_t)n, dump, each, arg);
    }
    kfree(data);
    if (ended)
        return 0;
    return n < 0 && n != -EAGAIN ? n : -EIO;
}

long route_ask(const struct nlmsghdr *request, void (*each)(const struct nlmsghdr *message, void *arg), void *arg)
{
    const struct host_address nobody = { 0 };
    bool dump = request->nlmsg_flags & NLM_F_DUMP;

    int fd = hostsock_open(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (fd < 0)
        return fd;
    long n = hostsock_send(fd, request, request->nlmsg_len, 0, &nobody, NULL);
    if (n >= 0)
        n = collect(fd, dump, each, arg);
    hostsock_close(fd, 0);
    return n;
}
