// SPDX-License-Identifier: BSD-3-Clause
// Which interfaces and addresses there are: getifaddrs, netlink by hand, ioctls.
#include "cases.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>

static void addresses(void)
{
    struct ifaddrs *all, *at;
    char text[64];
    section("getifaddrs");
    SHOW(getifaddrs(&all));
    for (at = all; at; at = at->ifa_next) {
        if (!at->ifa_addr)
            continue;
        text[0] = '\0';
        if (at->ifa_addr->sa_family == AF_INET)
            inet_ntop(AF_INET, &((struct sockaddr_in *)at->ifa_addr)->sin_addr, text, sizeof(text));
        if (at->ifa_addr->sa_family == AF_INET6)
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)at->ifa_addr)->sin6_addr, text, sizeof(text));
        printf("%s family %d flags %#x %s\n", at->ifa_name, at->ifa_addr->sa_family, at->ifa_flags, text);
    }
    freeifaddrs(all);
    struct if_nameindex *names = if_nameindex();
    for (int i = 0; names && names[i].if_index; i++)
        printf("%u %s\n", names[i].if_index, names[i].if_name);
    if_freenameindex(names);
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("none0"));
    printf("%s\n", if_indextoname(1, text));
}

static void ioctls(int family)
{
    struct ifreq request = { .ifr_name = "lo" }, list[16];
    struct ifconf conf = { .ifc_len = sizeof(list), .ifc_req = list };
    int fd = socket(family, SOCK_DGRAM, 0);
    printf("--- ioctl of family %d\n", family);
    SHOW(ioctl(fd, SIOCGIFFLAGS, &request));
    printf("flags %#x\n", request.ifr_flags);
    SHOW(ioctl(fd, SIOCGIFADDR, &request));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&request.ifr_addr)->sin_addr));
    SHOW(ioctl(fd, SIOCGIFNETMASK, &request));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&request.ifr_addr)->sin_addr));
    SHOW(ioctl(fd, SIOCGIFMTU, &request));
    printf("mtu %d\n", request.ifr_mtu);
    SHOW(ioctl(fd, SIOCGIFHWADDR, &request));
    printf("kind %d\n", request.ifr_hwaddr.sa_family);
    SHOW(ioctl(fd, SIOCGIFINDEX, &request));
    printf("index %d\n", request.ifr_ifindex);
    SHOW(ioctl(fd, SIOCGIFNAME, &request));
    printf("name %s\n", request.ifr_name);
    SHOW(ioctl(fd, SIOCGIFCONF, &conf));
    for (int i = 0; i < conf.ifc_len / (int)sizeof(list[0]); i++)
        printf("%s %s\n", list[i].ifr_name, inet_ntoa(((struct sockaddr_in *)&list[i].ifr_addr)->sin_addr));
    conf.ifc_len = 10;
    SHOW(ioctl(fd, SIOCGIFCONF, &conf));
    printf("size %d\n", conf.ifc_len);
    conf.ifc_req = NULL;
    SHOW(ioctl(fd, SIOCGIFCONF, &conf));
    printf("size multiple %d\n", conf.ifc_len % (int)sizeof(list[0]));
    strcpy(request.ifr_name, "none0");
    SHOW(ioctl(fd, SIOCGIFFLAGS, &request));
    SHOW(ioctl(fd, SIOCGIFFLAGS, BAD));
    close(fd);
}

static int ask(int fd, int type, int flags, int family)
{
    struct {
        struct nlmsghdr header;
        struct rtgenmsg body;
    } request = { { sizeof(request), (uint16_t)type, (uint16_t)(NLM_F_REQUEST | flags), 77, 0 },
                  { (unsigned char)family } };
    return (int)send(fd, &request, sizeof(request), 0);
}

static void answers(int fd, const char *what)
{
    static char data[1 << 16];
    int done = 0, count[64] = { 0 };
    while (!done) {
        struct sockaddr_nl from;
        socklen_t size = sizeof(from);
        long n = recvfrom(fd, data, sizeof(data), 0, as_name(&from), &size);
        if (n <= 0 || size != sizeof(from) || from.nl_pid) {
            printf("%s: %ld\n", what, n);
            return;
        }
        for (struct nlmsghdr *h = (void *)data; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_seq != 77)
                printf("sequence %u\n", h->nlmsg_seq);
            if (h->nlmsg_type < 64)
                count[h->nlmsg_type]++;
            if (h->nlmsg_type == NLMSG_ERROR)
                printf("%s: error %d\n", what, ((struct nlmsgerr *)NLMSG_DATA(h))->error);
            done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
        }
    }
    for (int i = 0; i < 64; i++)
        if (count[i])
            printf("%s: %d of type %d\n", what, count[i], i);
}

static void netlink(void)
{
    struct sockaddr_nl name = { .nl_family = AF_NETLINK };
    socklen_t size = sizeof(name);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), value;
    section("netlink");
    SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
    SHOW(bind(fd, as_name(&name), 4));
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    SHOW(getsockname(fd, as_name(&name), &size));
    printf("family %d port %d size %d\n", name.nl_family, name.nl_pid != 0, (int)size);
    size = sizeof(name);
    SHOW(getpeername(fd, as_name(&name), &size));
    printf("port %u\n", name.nl_pid);
    show_poll("idle", fd, POLLIN | POLLOUT, 0);
    SHOW(ask(fd, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC));
    show_poll("asked", fd, POLLIN, 1000);
    answers(fd, "links");
    SHOW(ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_INET));
    answers(fd, "IPv4 addresses");
    SHOW(ask(fd, RTM_GETROUTE, NLM_F_DUMP, AF_INET));
    answers(fd, "IPv4 routes");
    SHOW(recv(fd, &value, 4, MSG_DONTWAIT));
    SHOW(send(fd, &value, 4, 0));
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(shutdown(fd, SHUT_RD));
    close(fd);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    addresses();
    ioctls(AF_INET);
    ioctls(AF_INET6);
    ioctls(AF_UNIX);
    netlink();
    return 0;
}
