// SPDX-License-Identifier: BSD-3-Clause
// Ancillary data of the internet families, ip(7), ipv6(7), socket(7). Only records of kinds and sizes that are known
// pass between a program and the host, in either direction: none of them holds a pointer or a descriptor.
#include "base/string.h"
#include "libos/net/inet.h"

#include <linux/errqueue.h>
#include <linux/ipv6.h>

enum {
    SENT = 1,
    CAME = 2,
    UDP_SEGMENT_KIND = 103, // linux/udp.h
    UDP_GRO_KIND = 104,
    ERROR_SIZE = sizeof(struct sock_extended_err),
};

struct kind {
    int level, type;
    u8 way;
    u16 size;
};

static const struct kind kinds[] = {
    { SOL_SOCKET, SO_TIMESTAMP_OLD, CAME, 16 },
    { SOL_SOCKET, SO_TIMESTAMPNS_OLD, CAME, 16 },
    { SOL_SOCKET, SO_TIMESTAMPING_OLD, CAME, 48 },
    { SOL_SOCKET, SO_TIMESTAMPING_OLD, SENT, 4 },
    { SOL_SOCKET, SO_TIMESTAMP_NEW, CAME, 16 },
    { SOL_SOCKET, SO_TIMESTAMPNS_NEW, CAME, 16 },
    { SOL_SOCKET, SO_RXQ_OVFL, CAME, 4 },
    { SOL_SOCKET, SO_MARK, SENT, 4 },
    { IPPROTO_IP, IP_PKTINFO, SENT | CAME, sizeof(struct in_pktinfo) },
    { IPPROTO_IP, IP_TTL, SENT | CAME, 4 },
    { IPPROTO_IP, IP_TOS, CAME, 1 },
    { IPPROTO_IP, IP_TOS, SENT, 4 },
    { IPPROTO_IP, IP_TOS, SENT, 1 },
    { IPPROTO_IP, IP_ORIGDSTADDR, CAME, sizeof(struct sockaddr_in) },
    { IPPROTO_IP, IP_RECVERR, CAME, ERROR_SIZE + sizeof(struct sockaddr_in) },
    { IPPROTO_IPV6, IPV6_PKTINFO, SENT | CAME, sizeof(struct in6_pktinfo) },
    { IPPROTO_IPV6, IPV6_HOPLIMIT, SENT | CAME, 4 },
    { IPPROTO_IPV6, IPV6_TCLASS, SENT | CAME, 4 },
    { IPPROTO_IPV6, IPV6_DONTFRAG, SENT, 4 },
    { IPPROTO_IPV6, IPV6_RECVERR, CAME, ERROR_SIZE + sizeof(struct sockaddr_in6) },
    { IPPROTO_UDP, UDP_SEGMENT_KIND, SENT, 2 },
    { IPPROTO_UDP, UDP_GRO_KIND, CAME, 4 },
};

static bool is_known(int level, int type, size_t size, u8 way)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].level == level && kinds[i].type == type && (kinds[i].way & way) && kinds[i].size == size)
            return true;
    return false;
}

// Whether a record that is not of a known kind is passed over, as Linux does with those of other protocols.
static bool is_ignored(const struct inet_socket *socket, const struct cmsghdr *header)
{
    if (header->level == SOL_SOCKET)
        return header->type == SCM_RIGHTS || header->type == SCM_CREDENTIALS;
    if (socket->socket.type == SOCK_STREAM)
        return true;
    int own = socket->socket.family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    return header->level != own && header->level != IPPROTO_UDP;
}

int inet_control_to_send(struct inet_socket *socket, const struct message *message, struct inet_control *ret_control)
{
    struct message kept = { .control = ret_control->bytes, .control_size = sizeof(ret_control->bytes) };
    const struct cmsghdr *header;
    const void *data;
    size_t at = 0, size;

    ret_control->size = 0;
    while ((header = message_next_control(message, &at, &data, &size))) {
        if (is_err(header))
            return (int)ptr_err(header);
        bool pass = socket->socket.type != SOCK_STREAM && is_known(header->level, header->type, size, SENT);
        if (pass)
            message_put_control(&kept, header->level, header->type, data, size);
        else if (!is_ignored(socket, header))
            return -EINVAL;
    }
    if (kept.came_flags & MSG_CTRUNC)
        return -ENOBUFS;
    ret_control->size = (u32)kept.control_used;
    return 0;
}

void inet_control_came(const struct inet_control *control, struct message *message)
{
    // A copy without const: message_next_control only reads.
    struct message came = { .control = (u8 *)(uintptr_t)control->bytes, .control_size = control->size };
    const struct cmsghdr *header;
    const void *data;
    size_t at = 0, size;

    while ((header = message_next_control(&came, &at, &data, &size)) && !is_err(header))
        if (is_known(header->level, header->type, size, CAME))
            message_put_control(message, header->level, header->type, data, size);
}

bool inet_control_option(int level, int option)
{
    static const int wanted[][2] = {
        { SOL_SOCKET, SO_TIMESTAMP_OLD },   { SOL_SOCKET, SO_TIMESTAMPNS_OLD }, { SOL_SOCKET, SO_TIMESTAMPING_OLD },
        { SOL_SOCKET, SO_TIMESTAMP_NEW },   { SOL_SOCKET, SO_TIMESTAMPNS_NEW }, { SOL_SOCKET, SO_RXQ_OVFL },
        { IPPROTO_IP, IP_PKTINFO },         { IPPROTO_IP, IP_RECVTTL },         { IPPROTO_IP, IP_RECVTOS },
        { IPPROTO_IP, IP_RECVORIGDSTADDR }, { IPPROTO_IPV6, IPV6_RECVPKTINFO }, { IPPROTO_IPV6, IPV6_RECVHOPLIMIT },
        { IPPROTO_IPV6, IPV6_RECVTCLASS },  { IPPROTO_UDP, UDP_GRO_KIND },
    };
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        if (wanted[i][0] == level && wanted[i][1] == option)
            return true;
    return false;
}
