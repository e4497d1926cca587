// SPDX-License-Identifier: BSD-3-Clause
// What programs and the kernel agree on of sockets, as far as it stands in no UAPI header: address families, kinds,
// flags of messages (socket(2), send(2), recv(2)).
#pragma once

#include "abi/linux/abi.h"

#include <asm/ioctls.h>
#include <asm/socket.h>
#include <asm/sockios.h>
#include <linux/socket.h>
#include <linux/un.h>

enum {
    AF_UNSPEC = 0,
    AF_UNIX = 1,
    AF_INET = 2,
    AF_INET6 = 10,
    AF_NETLINK = 16,
};

enum {
    SOCK_STREAM = 1,
    SOCK_DGRAM = 2,
    SOCK_RAW = 3,
    SOCK_SEQPACKET = 5,
    SOCK_TYPE_MASK = 0xf,
    SOCK_CLOEXEC = O_CLOEXEC,
    SOCK_NONBLOCK = O_NONBLOCK,
};

enum {
    MSG_OOB = 1,
    MSG_PEEK = 2,
    MSG_DONTROUTE = 4,
    MSG_CTRUNC = 8,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_EOR = 0x80,
    MSG_WAITALL = 0x100,
    MSG_CONFIRM = 0x800,
    MSG_ERRQUEUE = 0x2000,
    MSG_NOSIGNAL = 0x4000,
    MSG_MORE = 0x8000,
    MSG_WAITFORONE = 0x10000,
    MSG_FASTOPEN = 0x20000000,
    MSG_CMSG_CLOEXEC = 0x40000000,
};

enum { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum { SOMAXCONN = 4096 };

// netdevice(7)
enum {
    SIOCGIFNAME = 0x8910,
    SIOCGIFCONF = 0x8912,
    SIOCGIFFLAGS = 0x8913,
    SIOCGIFADDR = 0x8915,
    SIOCGIFDSTADDR = 0x8917,
    SIOCGIFBRDADDR = 0x8919,
    SIOCGIFNETMASK = 0x891b,
    SIOCGIFMETRIC = 0x891d,
    SIOCGIFMTU = 0x8921,
    SIOCGIFHWADDR = 0x8927,
    SIOCGIFINDEX = 0x8933,
    SIOCGIFTXQLEN = 0x8942,
};

struct ucred {
    u32 pid, uid, gid;
};

struct linger {
    int on, seconds;
};

struct msghdr {
    void __user *name;
    int name_size;
    struct iovec __user *iov;
    size_t iov_count;
    void __user *control;
    size_t control_size;
    u32 flags;
};

struct mmsghdr {
    struct msghdr header;
    u32 size;
};

struct cmsghdr {
    size_t size; // of the header and the data
    int level, type;
};

static_assert(sizeof(struct msghdr) == 56 && sizeof(struct mmsghdr) == 64 && sizeof(struct cmsghdr) == 16);
