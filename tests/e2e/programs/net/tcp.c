// SPDX-License-Identifier: BSD-3-Clause
// Streams over the loopback: urgent data, half-closed and reset connections, time limits, options.
#include "cases.h"

static void urgent(void)
{
    int fds[3], mark = -1, n = -1;
    char text[32] = { 0 };
    section("urgent data");
    connected(fds);
    SHOW(send(fds[1], "ab!", 3, MSG_OOB));
    show_poll("announced", fds[2], POLLIN | POLLPRI, 1000);
    SHOW(ioctl(fds[2], FIONREAD, &n));
    printf("pending %d\n", n);
    SHOW(ioctl(fds[2], SIOCATMARK, &mark));
    printf("mark %d\n", mark);
    SHOW(recv(fds[2], text, sizeof(text), 0));
    SHOW(ioctl(fds[2], SIOCATMARK, &mark));
    printf("'%s' mark %d\n", text, mark);
    show_poll("at the mark", fds[2], POLLIN | POLLPRI, 0);
    SHOW(recv(fds[2], text, sizeof(text), MSG_OOB | MSG_PEEK));
    SHOW(recv(fds[2], text, sizeof(text), MSG_OOB));
    printf("urgent %c\n", text[0]);
    SHOW(recv(fds[2], text, sizeof(text), MSG_OOB));
    show_poll("after", fds[2], POLLIN | POLLPRI, 0);
    SHOW(recv(fds[2], text, sizeof(text), MSG_DONTWAIT));
    SHOW(send(fds[1], "cd", 2, 0));
    SHOW(send(fds[1], "X", 1, MSG_OOB));
    SHOW(send(fds[1], "ef", 2, 0));
    memset(text, 0, sizeof(text));
    SHOW(recv(fds[2], text, sizeof(text), 0));
    printf("'%s'\n", text);
    memset(text, 0, sizeof(text));
    SHOW(recv(fds[2], text, sizeof(text), 0));
    printf("'%s'\n", text);
    SHOW(set_number(fds[2], SOL_SOCKET, SO_OOBINLINE, 1));
    SHOW(send(fds[1], "gh", 2, MSG_OOB));
    SHOW(recv(fds[2], text, sizeof(text), MSG_OOB));
    SHOW(recv(fds[2], text, sizeof(text), 0));
    SHOW(ioctl(fds[2], SIOCATMARK, &mark));
    printf("mark %d\n", mark);
    memset(text, 0, sizeof(text));
    SHOW(recv(fds[2], text, sizeof(text), 0));
    printf("'%s'\n", text);
    close_all(fds, 3);
}

static void ends(void)
{
    int fds[3];
    char text[32];
    section("ends");
    connected(fds);
    SHOW(recv(fds[1], text, 0, MSG_DONTWAIT));
    SHOW(send(fds[2], "abc", 3, 0));
    SHOW(recv(fds[1], text, 0, 0));
    SHOW(recv(fds[1], text, 2, MSG_PEEK));
    SHOW(shutdown(fds[1], SHUT_RD));
    SHOW(recv(fds[1], text, 2, 0));
    SHOW(recv(fds[1], text, 2, 0));
    SHOW(recv(fds[1], text, 2, 0));
    show_poll("read shut", fds[1], POLLIN | POLLOUT | POLLRDHUP, 0);
    SHOW(shutdown(fds[2], SHUT_WR));
    SHOW(shutdown(fds[2], SHUT_WR));
    SHOW(send(fds[2], "x", 1, MSG_NOSIGNAL));
    SHOW(send(fds[1], "y", 1, 0));
    SHOW(recv(fds[2], text, 2, 0));
    close(fds[1]);
    SHOW(recv(fds[2], text, 2, 0));
    close(fds[0]), close(fds[2]);
    connected(fds);
    send(fds[1], "unread", 6, 0);
    show_poll("has data", fds[2], POLLIN, 1000);
    close(fds[2]);
    show_poll("reset", fds[1], POLLIN | POLLOUT | POLLRDHUP, 1000);
    printf("SO_ERROR %d\n", number_option(fds[1], SOL_SOCKET, SO_ERROR));
    SHOW(recv(fds[1], text, 1, 0));
    SHOW(send(fds[1], "x", 1, MSG_NOSIGNAL));
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    SHOW(getpeername(fds[1], as_name(&name), &size));
    close(fds[0]), close(fds[1]);
    connected(fds);
    close(fds[2]);
    show_poll("closed", fds[1], POLLIN | POLLOUT | POLLRDHUP, 1000);
    SHOW(send(fds[1], "x", 1, MSG_NOSIGNAL));
    usleep(20000);
    SHOW(send(fds[1], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(fds[1], text, 1, 0));
    close(fds[0]), close(fds[1]);
    connected(fds);
    close(fds[0]);
    SHOW(send(fds[1], "still there", 11, 0));
    SHOW(recv(fds[2], text, 32, 0));
    SHOW(shutdown(fds[1], SHUT_RDWR));
    show_poll("both", fds[1], POLLIN | POLLOUT | POLLRDHUP, 0);
    SHOW(shutdown(fds[2], SHUT_RDWR));
    show_poll("all", fds[2], POLLIN | POLLOUT | POLLRDHUP, 1000);
    SHOW(getpeername(fds[2], as_name(&name), &size));
    close(fds[1]), close(fds[2]);
}

static volatile sig_atomic_t pipes;
static void on_pipe(int number) { pipes++; }

static void signals(void)
{
    int fds[3];
    section("SIGPIPE");
    signal(SIGPIPE, on_pipe);
    connected(fds);
    shutdown(fds[1], SHUT_WR);
    SHOW(send(fds[1], "x", 1, 0));
    printf("signals %d\n", (int)pipes);
    SHOW(send(fds[1], "x", 1, MSG_NOSIGNAL));
    printf("signals %d\n", (int)pipes);
    SHOW(write(fds[1], "x", 1));
    printf("signals %d\n", (int)pipes);
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    close(pair[1]);
    SHOW(write(pair[0], "x", 1));
    SHOW(send(pair[0], "x", 1, MSG_NOSIGNAL));
    printf("signals %d\n", (int)pipes);
    close(pair[0]);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    close(pair[1]);
    SHOW(write(pair[0], "x", 1));
    printf("signals %d\n", (int)pipes);
    close(pair[0]);
    close_all(fds, 3);
}

static void limits(void)
{
    int fds[3];
    char text[8];
    struct timeval tv = { 0, 30000 }, got;
    socklen_t size = sizeof(got);
    section("time limits");
    connected(fds);
    SHOW(setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    SHOW(getsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &got, &size));
    printf("set %d\n", got.tv_usec >= 30000 && got.tv_usec < 40000);
    SHOW(recv(fds[1], text, 1, 0));
    send(fds[2], "ab", 2, 0);
    SHOW(recv(fds[1], text, 8, MSG_WAITALL));
    SHOW(setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    char *big = calloc(1, 8 << 20);
    long n = send(fds[1], big, 8 << 20, 0);
    printf("a part: %d\n", n > 0 && n < 8 << 20);
    while (send(fds[1], big, 1 << 16, MSG_DONTWAIT) > 0)
        ;
    SHOW(send(fds[1], big, 100, 0));
    show_poll("full", fds[1], POLLOUT, 0);
    SHOW(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    SHOW(accept(fds[0], NULL, NULL));
    free(big);
    close_all(fds, 3);
}

static void options(void)
{
    int fds[3];
    section("options");
    connected(fds);
    static const struct {
        const char *name;
        int level, option, value;
    } all[] = {
        { "REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 },
        { "KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
        { "BROADCAST", SOL_SOCKET, SO_BROADCAST, 1 },
        { "OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1 },
        { "SNDBUF", SOL_SOCKET, SO_SNDBUF, 30000 },
        { "RCVBUF", SOL_SOCKET, SO_RCVBUF, 30000 },
        { "RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1 },
        { "PRIORITY", SOL_SOCKET, SO_PRIORITY, 3 },
        { "NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
        { "CORK", IPPROTO_TCP, TCP_CORK, 1 },
        { "KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 70 },
        { "KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 5 },
        { "KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3 },
        { "USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 },
        { "QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1 },
        { "SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 2 },
        { "NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096 },
        { "LINGER2", IPPROTO_TCP, TCP_LINGER2, 4 },
        { "DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 0 },
        { "TOS", IPPROTO_IP, IP_TOS, 8 },
        { "TTL", IPPROTO_IP, IP_TTL, 60 },
        { "MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, 2 },
        { "FREEBIND", IPPROTO_IP, IP_FREEBIND, 1 },
        { "RECVTTL", IPPROTO_IP, IP_RECVTTL, 1 },
        { "RECVERR", IPPROTO_IP, IP_RECVERR, 1 },
        { "TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1 },
        { "ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, 1 },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        errno = 0;
        int set = set_number(fds[1], all[i].level, all[i].option, all[i].value);
        printf("%s: %d %s %d\n", all[i].name, set, set ? strerrorname_np(errno) : "",
               number_option(fds[1], all[i].level, all[i].option));
    }
    printf("TYPE %d DOMAIN %d PROTOCOL %d ACCEPTCONN %d %d ERROR %d\n", number_option(fds[1], SOL_SOCKET, SO_TYPE),
           number_option(fds[1], SOL_SOCKET, SO_DOMAIN), number_option(fds[1], SOL_SOCKET, SO_PROTOCOL),
           number_option(fds[1], SOL_SOCKET, SO_ACCEPTCONN), number_option(fds[0], SOL_SOCKET, SO_ACCEPTCONN),
           number_option(fds[1], SOL_SOCKET, SO_ERROR));
    struct tcp_info info = { 0 };
    socklen_t size = sizeof(info);
    SHOW(getsockopt(fds[1], IPPROTO_TCP, TCP_INFO, &info, &size));
    printf("state %d\n", info.tcpi_state);
    size = sizeof(info);
    SHOW(getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &info, &size));
    printf("state %d\n", info.tcpi_state);
    SHOW(setsockopt(fds[1], IPPROTO_TCP, TCP_CONGESTION, "none", 4));
    struct linger linger = { 1, 5 }, got;
    SHOW(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    size = sizeof(got);
    SHOW(getsockopt(fds[1], SOL_SOCKET, SO_LINGER, &got, &size));
    printf("linger %d %d\n", got.l_onoff, got.l_linger);
    struct ucred cred = { 1, 1, 1 };
    size = sizeof(cred);
    SHOW(getsockopt(fds[1], SOL_SOCKET, SO_PEERCRED, &cred, &size));
    printf("cred %d %d %d\n", cred.pid, (int)cred.uid, (int)cred.gid);
    close_all(fds, 3);
}

static void accepted(void)
{
    int listener = bound(SOCK_STREAM), client = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    section("what an accepted socket has of its listener");
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    listen(listener, 1);
    connect_with(client, listener);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    printf("nodelay %d keepalive %d flags %#x %#x\n", number_option(fd, IPPROTO_TCP, TCP_NODELAY),
           number_option(fd, SOL_SOCKET, SO_KEEPALIVE), fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    printf("same port %d\n", name_of(fd).sin_port == name_of(listener).sin_port);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    SHOW(accept(listener, NULL, NULL));
    int more = socket(AF_INET, SOCK_STREAM, 0);
    connect_with(more, listener);
    int plain = accept(listener, NULL, NULL);
    printf("flags %#x\n", fcntl(plain, F_GETFL));
    struct sockaddr_in other = four(0x7f000005, ntohs(name_of(listener).sin_port));
    int far = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect_to(far, other));
    close(more), close(plain), close(far), close(fd), close(client), close(listener);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(listen(listener, 2));
    far = socket(AF_INET, SOCK_STREAM, 0);
    other.sin_port = name_of(listener).sin_port;
    SHOW(connect_to(far, other));
    printf("own %#x\n", ntohl(name_of(far).sin_addr.s_addr));
    fd = accept(listener, NULL, NULL);
    printf("own %#x\n", ntohl(name_of(fd).sin_addr.s_addr));
    close(fd), close(far);
    far = socket(AF_INET, SOCK_STREAM, 0);
    other.sin_addr.s_addr = 0;
    SHOW(connect_to(far, other));
    socklen_t size = sizeof(other);
    SHOW(getpeername(far, as_name(&other), &size));
    printf("peer %#x\n", ntohl(other.sin_addr.s_addr));
    close(far), close(listener);
    SHOW(connect_to(socket(AF_INET, SOCK_STREAM, 0), other));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    urgent();
    ends();
    signals();
    limits();
    options();
    accepted();
    return 0;
}
