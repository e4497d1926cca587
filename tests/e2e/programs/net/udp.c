// SPDX-License-Identifier: BSD-3-Clause
// Datagrams over the loopback: who hears what, how much of it, and which errors come when.
#include "cases.h"

static struct sockaddr_in6 six(struct in6_addr address, int port)
{
    return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = address, .sin6_port = htons((uint16_t)port) };
}

static int port_of(int fd) { return ntohs(name_of(fd).sin_port); }

static int send_to(int fd, const char *text, struct sockaddr_in name)
{
    return (int)sendto(fd, text, strlen(text), 0, as_name(&name), sizeof(name));
}

// What is there for it now, and who sent it.
static void show_next(const char *what, int fd, int size, int flags)
{
    char text[100] = { 0 };
    struct sockaddr_storage from = { 0 };
    socklen_t from_size = sizeof(from);
    struct pollfd p = { fd, POLLIN, 0 };
    poll(&p, 1, 300);
    errno = 0;
    long n = recvfrom(fd, text, (size_t)size, flags | MSG_DONTWAIT, as_name(&from), &from_size);
    char host[64] = "";
    if (from.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, host, sizeof(host));
    if (from.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, host, sizeof(host));
    printf("%s: %ld '%s' from %s size %d %s\n", what, n, text, host, (int)from_size,
           n < 0 ? strerrorname_np(errno) : "");
}

static void plain(void)
{
    int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM), none = socket(AF_INET, SOCK_DGRAM, 0), n;
    section("plain");
    show_poll("fresh", none, POLLIN | POLLOUT, 0);
    SHOW(send_to(a, "hello", name_of(b)));
    show_poll("with one", b, POLLIN | POLLOUT, 1000);
    SHOW(ioctl(b, FIONREAD, &n));
    printf("next %d\n", n);
    show_next("peek", b, 100, MSG_PEEK);
    show_next("peek a part", b, 2, MSG_PEEK | MSG_TRUNC);
    show_next("take", b, 100, 0);
    show_next("empty", b, 100, 0);
    SHOW(send_to(a, "long message", name_of(b)));
    SHOW(send_to(a, "second", name_of(b)));
    show_next("cut", b, 4, 0);
    show_next("next", b, 4, MSG_TRUNC);
    SHOW(send_to(a, "", name_of(b)));
    SHOW(ioctl(b, FIONREAD, &n));
    printf("next %d\n", n);
    show_poll("an empty one", b, POLLIN, 1000);
    show_next("empty one", b, 10, 0);
    SHOW(send_to(none, "from nowhere", name_of(b)));
    show_next("unbound", b, 100, 0);
    printf("bound by sending: %d\n", port_of(none) != 0);
    SHOW(send_to(b, "back", name_of(none)));
    show_next("to any", none, 100, 0);
    SHOW(send_to(a, "self", name_of(a)));
    show_next("self", a, 100, 0);
    SHOW(send(a, "x", 1, 0));
    SHOW(read(b, &n, 0));
    SHOW(send_to(a, "zero", name_of(b)));
    SHOW(read(b, &n, 0));
    show_next("gone", b, 10, 0);
    close(a), close(b), close(none);
}

static void connects(void)
{
    int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM), c = bound(SOCK_DGRAM), e = -1;
    struct sockaddr_in name, none = { AF_UNSPEC };
    socklen_t size = sizeof(name);
    section("connected");
    SHOW(connect_with(a, b));
    SHOW(send(a, "one", 3, 0));
    show_next("one", b, 100, 0);
    SHOW(send_to(c, "not for you", name_of(a)));
    show_next("filtered", a, 100, 0);
    SHOW(send_to(b, "for you", name_of(a)));
    show_next("peer", a, 100, 0);
    SHOW(getpeername(a, as_name(&name), &size));
    printf("peer is b: %d\n", name.sin_port == name_of(b).sin_port);
    SHOW(send_to(a, "elsewhere", name_of(c)));
    show_next("elsewhere", c, 100, 0);
    SHOW(connect_with(a, c));
    SHOW(send(a, "two", 3, 0));
    show_next("reconnected", c, 100, 0);
    SHOW(connect(a, as_name(&none), sizeof(none)));
    SHOW(send(a, "x", 1, 0));
    SHOW(getpeername(a, as_name(&name), &size));
    SHOW(send_to(b, "heard again", name_of(a)));
    show_next("heard again", a, 100, 0);
    int fresh = socket(AF_INET, SOCK_DGRAM, 0);
    name = name_of(b);
    SHOW(connect_to(fresh, name));
    printf("address %#x, port %d\n", ntohl(name_of(fresh).sin_addr.s_addr), port_of(fresh) != 0);
    SHOW(connect(fresh, as_name(&none), sizeof(none)));
    printf("address %#x, port %d\n", ntohl(name_of(fresh).sin_addr.s_addr), port_of(fresh) != 0);
    close(b);
    SHOW(connect_to(a, name));
    SHOW(send(a, "nobody", 6, 0));
    show_poll("refused", a, POLLIN | POLLOUT, 1000);
    SHOW(recv(a, &size, 1, MSG_DONTWAIT));
    SHOW(recv(a, &size, 1, MSG_DONTWAIT));
    SHOW(send(a, "nobody", 6, 0));
    show_poll("refused", a, POLLIN, 1000);
    SHOW(send(a, "nobody", 6, 0));
    SHOW(send(a, "nobody", 6, 0));
    show_poll("refused", a, POLLIN, 1000);
    size = sizeof(e);
    getsockopt(a, SOL_SOCKET, SO_ERROR, &e, &size);
    printf("SO_ERROR %s\n", strerrorname_np(e));
    SHOW(send_to(c, "nobody", name));
    SHOW(recv(c, &size, 1, MSG_DONTWAIT));
    close(a), close(c), close(fresh);
}

static void binds(void)
{
    int a = bound(SOCK_DGRAM), fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in name = name_of(a), any = four(0, port_of(a)), second = four(0x7f000002, port_of(a));
    section("bind");
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    SHOW(bind(fd, as_name(&any), sizeof(any)));
    SHOW(bind(fd, as_name(&second), sizeof(second)));
    SHOW(bind(fd, as_name(&second), sizeof(second)));
    SHOW(send_to(a, "to the second", second));
    show_next("second", fd, 100, 0);
    SHOW(send_to(fd, "from the second", name));
    show_next("from", a, 100, 0);
    SHOW(set_number(other, SOL_SOCKET, SO_REUSEADDR, 1));
    SHOW(bind(other, as_name(&name), sizeof(name)));
    SHOW(set_number(a, SOL_SOCKET, SO_REUSEADDR, 1));
    SHOW(bind(other, as_name(&name), sizeof(name)));
    SHOW(send_to(fd, "who hears", name));
    show_next("the first", a, 100, 0);
    show_next("the last", other, 100, 0);
    close(a), close(fd), close(other);
    int many[3];
    for (int i = 0; i < 3; i++) {
        many[i] = socket(AF_INET, SOCK_DGRAM, 0);
        set_number(many[i], SOL_SOCKET, SO_REUSEPORT, 1);
        if (i == 0)
            any = four(INADDR_LOOPBACK, 0);
        SHOW(bind(many[i], as_name(&any), sizeof(any)));
        any = name_of(many[0]);
    }
    for (int i = 0; i < 30; i++) {
        int client = bound(SOCK_DGRAM);
        send_to(client, "x", any);
        close(client);
    }
    usleep(20000);
    int all = 0, used = 0;
    for (int i = 0; i < 3; i++) {
        int n = 0;
        char c;
        while (recv(many[i], &c, 1, MSG_DONTWAIT) == 1)
            n++;
        all += n;
        used += n > 0;
        close(many[i]);
    }
    printf("reuseport: %d heard by more than one: %d\n", all, used > 1);
    a = socket(AF_INET, SOCK_DGRAM, 0), fd = bound(SOCK_DGRAM);
    any = four(0, port_of(fd));
    set_number(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    SHOW(bind(a, as_name(&any), sizeof(any)));
    SHOW(send_to(a, "the closer one", name_of(fd)));
    show_next("closer", fd, 100, 0);
    SHOW(send_to(fd, "to 127.0.0.9", four(0x7f000009, port_of(fd))));
    show_next("any", a, 100, 0);
    close(a), close(fd);
}

static void both_families(void)
{
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = bound(SOCK_DGRAM), only = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 any = six(in6addr_any, 0), to = { 0 };
    socklen_t size = sizeof(any);
    section("IPv6");
    if (a < 0) {
        printf("no IPv6\n");
        return;
    }
    SHOW(bind(a, as_name(&any), sizeof(any)));
    getsockname(a, as_name(&any), &size);
    SHOW(send_to(b, "four to six", four(INADDR_LOOPBACK, ntohs(any.sin6_port))));
    show_next("mapped", a, 100, 0);
    to = six(in6addr_loopback, 0), to.sin6_port = any.sin6_port;
    SHOW(sendto(a, "self", 4, 0, as_name(&to), sizeof(to)));
    show_next("self", a, 100, 0);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
    to.sin6_port = name_of(b).sin_port;
    SHOW(sendto(a, "six to four", 11, 0, as_name(&to), sizeof(to)));
    show_next("four", b, 100, 0);
    SHOW(set_number(only, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    to = six(in6addr_any, 0);
    SHOW(bind(only, as_name(&to), sizeof(to)));
    getsockname(only, as_name(&to), &size);
    SHOW(send_to(b, "not heard", four(INADDR_LOOPBACK, ntohs(to.sin6_port))));
    show_next("only six", only, 100, 0);
    to = six(in6addr_loopback, ntohs(to.sin6_port));
    SHOW(connect(a, as_name(&to), sizeof(to)));
    SHOW(send(a, "connected", 9, 0));
    show_next("six", only, 100, 0);
    SHOW(sendto(b, "x", 1, 0, as_name(&to), sizeof(to)));
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
    SHOW(sendto(only, "x", 1, 0, as_name(&to), sizeof(to)));
    close(a), close(b), close(only);
}

static void many_at_once(void)
{
    int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM);
    char text[3][8] = { "aa", "bbb", "cccc" }, in[4][8] = { 0 };
    struct iovec out_iov[3], in_iov[4];
    struct mmsghdr out[3] = { 0 }, got[4] = { 0 };
    struct sockaddr_in from[4];
    section("many at once");
    connect_with(a, b);
    for (int i = 0; i < 3; i++) {
        out_iov[i] = (struct iovec){ text[i], strlen(text[i]) };
        out[i].msg_hdr = (struct msghdr){ .msg_iov = &out_iov[i], .msg_iovlen = 1 };
    }
    for (int i = 0; i < 4; i++) {
        in_iov[i] = (struct iovec){ in[i], 3 };
        got[i].msg_hdr = (struct msghdr){
            .msg_iov = &in_iov[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof(from[i])
        };
    }
    SHOW(sendmmsg(a, out, 3, 0));
    show_poll("three", b, POLLIN, 1000);
    usleep(10000);
    SHOW(recvmmsg(b, got, 4, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 4; i++)
        printf("%u '%s' flags %#x name %d\n", got[i].msg_len, in[i], (unsigned)got[i].msg_hdr.msg_flags,
               (int)got[i].msg_hdr.msg_namelen);
    struct timespec ts = { 0, 50000000 };
    send(a, "d", 1, 0);
    SHOW(recvmmsg(b, got, 1, 0, &ts));
    SHOW(recvmmsg(b, got, 4, MSG_DONTWAIT, NULL));
    close(a), close(b);
}

static void *late(void *fd)
{
    usleep(50000);
    send(*(int *)fd, "late", 4, 0);
    return NULL;
}

static void waiting(void)
{
    int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM), epoll = epoll_create1(0);
    struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = b } }, got;
    char text[20] = { 0 };
    pthread_t thread;
    section("waiting");
    connect_with(a, b);
    pthread_create(&thread, NULL, late, &a);
    SHOW(recv(b, text, sizeof(text), 0));
    pthread_join(thread, NULL);
    epoll_ctl(epoll, EPOLL_CTL_ADD, b, &event);
    pthread_create(&thread, NULL, late, &a);
    SHOW(epoll_wait(epoll, &got, 1, 5000));
    pthread_join(thread, NULL);
    SHOW(epoll_wait(epoll, &got, 1, 0));
    SHOW(send(a, "x", 1, 0));
    SHOW(epoll_wait(epoll, &got, 1, 1000));
    SHOW(recv(b, text, sizeof(text), 0));
    SHOW(recv(b, text, sizeof(text), 0));
    struct timeval tv = { 0, 50000 };
    SHOW(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    SHOW(recv(b, text, sizeof(text), 0));
    SHOW(shutdown(b, SHUT_RD));
    SHOW(shutdown(a, SHUT_RD));
    SHOW(recv(a, text, 1, 0));
    SHOW(send(a, "after", 5, 0));
    SHOW(shutdown(a, SHUT_WR));
    SHOW(send(a, "x", 1, MSG_NOSIGNAL));
    show_poll("shut", a, POLLIN | POLLOUT | POLLRDHUP, 0);
    close(a), close(b), close(epoll);
}

static void fullness(void)
{
    int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM), sent = 0, heard = 0;
    char text[1000] = { 0 };
    section("a full buffer drops");
    connect_with(a, b);
    set_number(b, SOL_SOCKET, SO_RCVBUF, 20000);
    for (int i = 0; i < 1000; i++)
        sent += send(a, text, sizeof(text), 0) == sizeof(text);
    while (recv(b, text, sizeof(text), MSG_DONTWAIT) == sizeof(text))
        heard++;
    printf("sent %d, some were lost: %d, some were heard: %d\n", sent, heard<1000, heard> 5);
    close(a), close(b);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    plain();
    connects();
    binds();
    both_families();
    many_at_once();
    waiting();
    fullness();
    return 0;
}
