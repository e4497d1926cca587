// SPDX-License-Identifier: BSD-3-Clause
// Options of the internet families that the host's socket has too. Only those whose values hold no pointer are passed
// on.
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>

#include "base/string.h"
#include "libos/net/inet.h"

enum { TCP_STATE_ESTABLISHED = 1, GET = 1, SET = 2, BOTH = 3 };

struct option {
    int level, option;
    u8 way;
    u16 size; // bytes of the value at most; int where nothing else is said
};

#define NUMBER(level, option)  \
    {                          \
        level, option, BOTH, 4 \
    }

static const struct option options[] = {
    NUMBER(SOL_SOCKET, SO_REUSEADDR),
    NUMBER(SOL_SOCKET, SO_REUSEPORT),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE),
    NUMBER(SOL_SOCKET, SO_BROADCAST),
    NUMBER(SOL_SOCKET, SO_OOBINLINE),
    NUMBER(SOL_SOCKET, SO_SNDBUF),
    NUMBER(SOL_SOCKET, SO_RCVBUF),
    NUMBER(SOL_SOCKET, SO_SNDBUFFORCE),
    NUMBER(SOL_SOCKET, SO_RCVBUFFORCE),
    NUMBER(SOL_SOCKET, SO_RCVLOWAT),
    NUMBER(SOL_SOCKET, SO_PRIORITY),
    NUMBER(SOL_SOCKET, SO_DONTROUTE),
    NUMBER(SOL_SOCKET, SO_MARK),
    NUMBER(SOL_SOCKET, SO_INCOMING_CPU),
    NUMBER(SOL_SOCKET, SO_BUSY_POLL),
    NUMBER(SOL_SOCKET, SO_MAX_PACING_RATE),
    { SOL_SOCKET, SO_LINGER, BOTH, sizeof(struct linger) },
    { SOL_SOCKET, SO_BINDTODEVICE, BOTH, 16 },
    { SOL_SOCKET, SO_ERROR, GET, 4 },
    { SOL_SOCKET, SO_ACCEPTCONN, GET, 4 },
    NUMBER(IPPROTO_TCP, TCP_NODELAY),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG),
    NUMBER(IPPROTO_TCP, TCP_CORK),
    NUMBER(IPPROTO_TCP, TCP_KEEPIDLE),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT),
    NUMBER(IPPROTO_TCP, TCP_SYNCNT),
    NUMBER(IPPROTO_TCP, TCP_LINGER2),
    NUMBER(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    NUMBER(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    NUMBER(IPPROTO_TCP, TCP_QUICKACK),
    NUMBER(IPPROTO_TCP, TCP_USER_TIMEOUT),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
    NUMBER(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    { IPPROTO_TCP, TCP_CONGESTION, BOTH, 16 },
    { IPPROTO_TCP, TCP_INFO, GET, 256 },
    NUMBER(IPPROTO_IP, IP_TOS),
    NUMBER(IPPROTO_IP, IP_TTL),
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER),
    NUMBER(IPPROTO_IP, IP_FREEBIND),
    NUMBER(IPPROTO_IP, IP_TRANSPARENT),
    NUMBER(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    NUMBER(IPPROTO_IP, IP_MULTICAST_TTL),
    NUMBER(IPPROTO_IP, IP_MULTICAST_LOOP),
    NUMBER(IPPROTO_IP, IP_MULTICAST_ALL),
    { IPPROTO_IP, IP_MTU, GET, 4 },
    { IPPROTO_IP, IP_MULTICAST_IF, BOTH, 12 },
    { IPPROTO_IP, IP_ADD_MEMBERSHIP, SET, 12 },
    { IPPROTO_IP, IP_DROP_MEMBERSHIP, SET, 12 },
    NUMBER(IPPROTO_IPV6, IPV6_V6ONLY),
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_IF),
    NUMBER(IPPROTO_IPV6, IPV6_TCLASS),
    NUMBER(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    NUMBER(IPPROTO_IPV6, IPV6_DONTFRAG),
    NUMBER(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES),
    { IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, SET, 20 },
    { IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, SET, 20 },
};

static const struct option *find(int level, int number, u8 way)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (options[i].level == level && options[i].option == number && (options[i].way & way))
            return &options[i];
    return NULL;
}

int inet_get_option(struct socket *base, int level, int number, void *value, u32 *size)
{
    struct inet_socket *socket = inet_of(base);
    const struct option *option = find(level, number, GET);

    if (!option)
        return -ENOPROTOOPT;
    bool inside = inet_is_inside(socket);
    if (inside && level == SOL_SOCKET && number == SO_ERROR)
        return socket->inner->socket.ops->get_option(&socket->inner->socket, level, number, value, size);
    int fd = inet_fd(socket);
    if (fd < 0)
        return fd;
    u32 begun = hostpoll_begin(&socket->poll);
    int n = hostsock_get_option(fd, level, number, value, MIN(*size, (u32)option->size));
    if (level == SOL_SOCKET && number == SO_ERROR)
        hostpoll_clear(&socket->poll, begun, POLLERR);
    if (n < 0)
        return n;
    *size = (u32)n;
    if (inside && level == IPPROTO_TCP && number == TCP_INFO && n > 0)
        *(u8 *)value = TCP_STATE_ESTABLISHED; // tcpi_state; the host's socket only holds the port
    return 0;
}

int inet_set_option(struct socket *base, int level, int number, const void *value, u32 size)
{
    const struct option *option = find(level, number, SET);

    if (!option)
        return -ENOPROTOOPT;
    if (level == SOL_SOCKET && number == SO_LINGER && size >= sizeof(struct linger)) {
        const struct linger *linger = value;
        WRITE_ONCE(inet_of(base)->inner->reset_on_close, linger->on && !linger->seconds);
    }
    int fd = inet_fd(inet_of(base));
    return fd < 0 ? fd : hostsock_set_option(fd, level, number, value, MIN(size, (u32)option->size));
}
