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
    NUMBER(SOL_SOCKET, SO_TIMESTAMP_OLD),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPNS_OLD),
    NUMBER(SOL_SOCKET, SO_TIMESTAMP_NEW),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPNS_NEW),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPING_OLD),
    NUMBER(SOL_SOCKET, SO_RXQ_OVFL),
    NUMBER(SOL_SOCKET, SO_NO_CHECK),
    NUMBER(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
    NUMBER(SOL_SOCKET, SO_PREFER_BUSY_POLL),
    NUMBER(SOL_SOCKET, SO_ZEROCOPY),
    { SOL_SOCKET, SO_INCOMING_NAPI_ID, GET, 4 },
    { SOL_SOCKET, SO_SNDLOWAT, GET, 4 },
    { SOL_SOCKET, SO_COOKIE, GET, 8 },
    { SOL_SOCKET, SO_MEMINFO, GET, 36 },
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
    NUMBER(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    NUMBER(IPPROTO_TCP, TCP_THIN_DUPACK),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE),
    NUMBER(IPPROTO_TCP, TCP_SAVE_SYN),
    NUMBER(IPPROTO_TCP, TCP_TIMESTAMP),
    NUMBER(IPPROTO_TCP, TCP_TX_DELAY),
    { IPPROTO_TCP, TCP_FASTOPEN_KEY, BOTH, 32 },
    { IPPROTO_TCP, TCP_CC_INFO, GET, 20 },
    NUMBER(IPPROTO_UDP, 1),      // UDP_CORK
    NUMBER(IPPROTO_UDP, 103),    // UDP_SEGMENT
    NUMBER(IPPROTO_UDP, 104),    // UDP_GRO
    NUMBER(IPPROTO_UDPLITE, 10), // UDPLITE_SEND_CSCOV
    NUMBER(IPPROTO_UDPLITE, 11), // UDPLITE_RECV_CSCOV
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
    NUMBER(IPPROTO_IP, IP_PKTINFO),
    NUMBER(IPPROTO_IP, IP_RECVTTL),
    NUMBER(IPPROTO_IP, IP_RECVTOS),
    NUMBER(IPPROTO_IP, IP_RECVERR),
    NUMBER(IPPROTO_IP, IP_RECVORIGDSTADDR),
    NUMBER(IPPROTO_IP, IP_MINTTL),
    NUMBER(IPPROTO_IP, IP_NODEFRAG),
    NUMBER(IPPROTO_IP, IP_UNICAST_IF),
    { IPPROTO_IP, IP_OPTIONS, BOTH, 40 },
    { IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, SET, 12 },
    { IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, SET, 12 },
    { IPPROTO_IP, IP_BLOCK_SOURCE, SET, 12 },
    { IPPROTO_IP, IP_UNBLOCK_SOURCE, SET, 12 },
    { IPPROTO_IP, MCAST_JOIN_GROUP, SET, 136 },
    { IPPROTO_IP, MCAST_LEAVE_GROUP, SET, 136 },
    { IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, SET, 264 },
    { IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, SET, 264 },
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
    NUMBER(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    NUMBER(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    NUMBER(IPPROTO_IPV6, IPV6_RECVTCLASS),
    NUMBER(IPPROTO_IPV6, IPV6_RECVERR),
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_IF),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
    NUMBER(IPPROTO_IPV6, IPV6_TRANSPARENT),
    NUMBER(IPPROTO_IPV6, IPV6_FREEBIND),
    NUMBER(IPPROTO_IPV6, IPV6_MTU),
    NUMBER(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL),
    NUMBER(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    { IPPROTO_IPV6, MCAST_JOIN_GROUP, SET, 136 },
    { IPPROTO_IPV6, MCAST_LEAVE_GROUP, SET, 136 },
    { IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, SET, 264 },
    { IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, SET, 264 },
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

static const struct {
    int level, option;
} inherited[] = {
    { SOL_SOCKET, SO_REUSEADDR },
    { SOL_SOCKET, SO_KEEPALIVE },
    { SOL_SOCKET, SO_OOBINLINE },
    { SOL_SOCKET, SO_SNDBUF },
    { SOL_SOCKET, SO_RCVBUF },
    { SOL_SOCKET, SO_RCVLOWAT },
    { SOL_SOCKET, SO_PRIORITY },
    { IPPROTO_TCP, TCP_NODELAY },
    { IPPROTO_TCP, TCP_KEEPIDLE },
    { IPPROTO_TCP, TCP_KEEPINTVL },
    { IPPROTO_TCP, TCP_KEEPCNT },
    { IPPROTO_TCP, TCP_USER_TIMEOUT },
    { IPPROTO_TCP, TCP_NOTSENT_LOWAT },
    { IPPROTO_TCP, TCP_LINGER2 },
    { IPPROTO_IP, IP_TOS },
    { IPPROTO_IP, IP_TTL },
};
static_assert(ARRAY_SIZE(inherited) == INHERITED);

static void remember(struct inet_socket *socket, int level, int option, int value)
{
    mutex_lock(&socket->inner->lock);
    for (u32 i = 0; i < INHERITED; i++)
        if (inherited[i].level == level && inherited[i].option == option) {
            socket->inherited.set |= 1u << i;
            socket->inherited.values[i] = value;
        }
    mutex_unlock(&socket->inner->lock);
}

void inet_inherit_options(struct inet_socket *accepted, struct inet_socket *listener)
{
    mutex_lock(&listener->inner->lock);
    accepted->inherited = listener->inherited;
    bool urgent_inline = listener->inner->urgent_inline, reset = listener->inner->reset_on_close;
    mutex_unlock(&listener->inner->lock);
    unix_urgent_set_inline(accepted->inner, urgent_inline);
    WRITE_ONCE(accepted->inner->reset_on_close, reset);
}

void inet_apply_options(struct inet_socket *socket, int fd)
{
    mutex_lock(&socket->inner->lock);
    struct inet_inherited all = socket->inherited;
    mutex_unlock(&socket->inner->lock);
    for (u32 i = 0; i < INHERITED; i++)
        if (all.set & 1u << i)
            (void)!hostsock_set_option(fd, inherited[i].level, inherited[i].option, &all.values[i], sizeof(int));
}

static bool level_is_known(const struct socket *base, int level)
{
    return level == SOL_SOCKET || level == IPPROTO_IP || level == base->protocol ||
           (level == IPPROTO_IPV6 && base->family == AF_INET6);
}

int inet_get_option(struct socket *base, int level, int number, void *value, u32 *size)
{
    struct inet_socket *socket = inet_of(base);
    const struct option *option = find(level, number, GET);

    if (level == SOL_SOCKET && number == SO_PEERCRED) { // nobody, as on Linux
        const struct ucred nobody = { 0, ~0u, ~0u };
        *size = MIN(*size, (u32)sizeof(nobody));
        memcpy(value, &nobody, *size);
        return 0;
    }
    if (!option)
        return level_is_known(base, level) ? -ENOPROTOOPT : -EOPNOTSUPP;
    bool inside = inet_is_inside(socket);
    if (inside && level == SOL_SOCKET && number == SO_ERROR)
        return socket->inner->socket.ops->get_option(&socket->inner->socket, level, number, value, size);
    int fd = inet_fd(socket);
    if (fd < 0)
        return fd;
    int error = level == SOL_SOCKET && number == SO_ERROR ? -ahead_take_error(&socket->ahead) : 0;
    if (error) {
        *size = MIN(*size, (u32)sizeof(error));
        memcpy(value, &error, *size);
        return 0;
    }
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
    if (level == SOL_SOCKET && number == SO_OOBINLINE && size >= sizeof(int))
        unix_urgent_set_inline(inet_of(base)->inner, *(const int *)value);
    if (level == SOL_SOCKET && (number == SO_RCVLOWAT || number == SO_OOBINLINE))
        ahead_stop(&inet_of(base)->ahead); // these are about what the host has
    if (inet_control_option(level, number)) {
        WRITE_ONCE(inet_of(base)->wants_control, true);
        if (base->type == SOCK_DGRAM) // the host knows best what comes along
            inet_datagram_outside(inet_of(base), false, true);
    }
    struct socket *inner = &inet_of(base)->inner->socket;
    if (level == SOL_SOCKET && number == SO_RCVBUF && base->type == SOCK_DGRAM && size >= sizeof(int))
        (void)!inner->ops->set_option(inner, level, number, value, size);
    int fd = inet_fd(inet_of(base));
    if (fd < 0)
        return fd;
    int err = hostsock_set_option(fd, level, number, value, MIN(size, (u32)option->size));
    if (!err && base->type == SOCK_STREAM && size >= sizeof(int))
        remember(inet_of(base), level, number, *(const int *)value);
    return err;
}
