// SPDX-License-Identifier: BSD-3-Clause
// TCP and UDP over the loopback: each line says what a call answered. Made to print the same on Linux and inside.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SHOW(call) show(#call, (long)(call))

static void show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){ AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
}

static int bind_local(int fd)
{
    struct sockaddr_in name = local(0);
    return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static struct sockaddr_in name_of(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t size = sizeof(name);
    getsockname(fd, (struct sockaddr *)&name, &size);
    return name;
}

static int connect_to(int fd, struct sockaddr_in name) { return connect(fd, (struct sockaddr *)&name, sizeof(name)); }

static void show_poll(const char *what, int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP };
    int n = poll(&p, 1, 0);
    printf("%s: poll %d %#x\n", what, n, (unsigned)p.revents);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, level, name, &value, &size) ? -errno : value;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

// A listener, a client and what the listener accepted.
static void connected(int fds[3])
{
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    bind_local(fds[0]);
    listen(fds[0], 5);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    connect_to(fds[1], name_of(fds[0]));
    fds[2] = accept4(fds[0], NULL, NULL, SOCK_CLOEXEC);
}

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void streams(void)
{
    int fds[3], pending;
    char text[64] = { 0 };
    printf("--- streams\n");
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    show_poll("fresh", fresh);
    SHOW(recv(fresh, text, 1, 0));
    SHOW(send(fresh, text, 1, MSG_NOSIGNAL));
    struct sockaddr_in6 wrong = { AF_INET6 };
    SHOW(bind(fresh, (struct sockaddr *)&wrong, 8));
    SHOW(connect(fresh, (struct sockaddr *)&wrong, sizeof(wrong)));
    close(fresh);
    connected(fds);
    show_poll("listener", fds[0]), show_poll("client", fds[1]);
    struct sockaddr_in peer;
    socklen_t size = sizeof(peer);
    SHOW(getpeername(fds[1], (struct sockaddr *)&peer, &size));
    printf("peer is the listener: %d, size %d\n", peer.sin_port == name_of(fds[0]).sin_port, (int)size);
    SHOW(write(fds[1], "hello", 5));
    SHOW(recv(fds[2], text, 2, MSG_PEEK | MSG_WAITALL));
    show_poll("with data", fds[2]);
    ioctl(fds[2], FIONREAD, &pending);
    printf("pending %d\n", pending);
    SHOW(read(fds[2], text, 3));
    show_poll("with the rest", fds[2]);
    SHOW(read(fds[2], text + 3, 60));
    show_poll("empty", fds[2]);
    printf("%s\n", text);
    SHOW(recv(fds[2], text, 1, MSG_DONTWAIT));
    SHOW(shutdown(fds[1], SHUT_WR));
    SHOW(read(fds[2], text, 1));
    show_poll("half closed", fds[2]);
    SHOW(send(fds[1], "x", 1, MSG_NOSIGNAL));
    SHOW(write(fds[2], "back", 4));
    SHOW(read(fds[1], text, 64));
    SHOW(connect_to(fds[1], name_of(fds[0])));
    close_all(fds);
    connected(fds);
    struct linger linger = { 1, 0 };
    SHOW(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    close(fds[1]);
    SHOW(read(fds[2], text, 1));
    SHOW(send(fds[2], "x", 1, MSG_NOSIGNAL));
    close(fds[0]), close(fds[2]);
}

static void connecting(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    printf("--- connecting\n");
    bind_local(listener);
    struct sockaddr_in name = name_of(listener);
    SHOW(connect_to(fd, name));
    struct pollfd p = { fd, POLLOUT };
    poll(&p, 1, 5000);
    printf("refused: %#x, %s\n", (unsigned)p.revents, strerrorname_np(option(fd, SOL_SOCKET, SO_ERROR)));
    printf("told once: %d\n", option(fd, SOL_SOCKET, SO_ERROR));
    SHOW(listen(listener, 5));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int epoll = epoll_create1(0);
    struct epoll_event event = { EPOLLIN | EPOLLOUT | EPOLLET, { .fd = fd } }, got;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    SHOW(connect_to(fd, name));
    int n;
    while ((n = epoll_wait(epoll, &got, 1, 5000)) == 1 && (got.events & EPOLLHUP))
        ;
    printf("connected: %d %#x %d\n", n, got.events, option(fd, SOL_SOCKET, SO_ERROR));
    int server = accept(listener, NULL, NULL);
    (void)!write(server, "x", 1);
    n = epoll_wait(epoll, &got, 1, 5000);
    printf("data: %d %#x, again %d\n", n, got.events, epoll_wait(epoll, &got, 1, 0));
    (void)!write(server, "y", 1);
    n = epoll_wait(epoll, &got, 1, 5000);
    printf("more: %d %#x\n", n, got.events);
    close(server), close(fd), close(listener);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect_to(fd, name));
    close(fd);
}

static void options(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
    printf("--- options\n");
    printf("type %d domain %d protocol %d\n", option(fd, SOL_SOCKET, SO_TYPE), option(fd, SOL_SOCKET, SO_DOMAIN),
           option(fd, SOL_SOCKET, SO_PROTOCOL));
    printf("reuse %d %d\n", set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1), option(fd, SOL_SOCKET, SO_REUSEADDR));
    printf("port %d %d\n", set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1), option(fd, SOL_SOCKET, SO_REUSEPORT));
    printf("nodelay %d %d\n", set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), option(fd, IPPROTO_TCP, TCP_NODELAY));
    printf("idle %d %d\n", set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77), option(fd, IPPROTO_TCP, TCP_KEEPIDLE));
    printf("buffer %d %d\n", set_option(fd, SOL_SOCKET, SO_SNDBUF, 20000), option(fd, SOL_SOCKET, SO_SNDBUF));
    printf("v6only %d %d\n", set_option(six, IPPROTO_IPV6, IPV6_V6ONLY, 1), option(six, IPPROTO_IPV6, IPV6_V6ONLY));
    printf("accepting %d\n", option(fd, SOL_SOCKET, SO_ACCEPTCONN));
    printf("unknown %d\n", option(fd, SOL_SOCKET, 9999));
    struct timeval tv = { 0, 30000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    bind_local(fd), listen(fd, 1);
    SHOW(accept(fd, NULL, NULL));
    SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(77, SOCK_STREAM, 0));
    close(fd), close(six);
}

static void datagrams(void)
{
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char text[64] = { 0 };
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    printf("--- datagrams\n");
    bind_local(a), bind_local(b);
    struct sockaddr_in to = name_of(b);
    SHOW(recv(b, text, 1, 0));
    SHOW(sendto(a, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)));
    SHOW(recvfrom(b, text, 3, MSG_PEEK, NULL, NULL));
    SHOW(recvfrom(b, text, 3, MSG_TRUNC, (struct sockaddr *)&from, &size));
    printf("from the sender: %d, size %d, %.3s\n", from.sin_port == name_of(a).sin_port, (int)size, text);
    SHOW(sendto(a, "", 0, 0, (struct sockaddr *)&to, sizeof(to)));
    SHOW(recv(b, text, 3, 0));
    SHOW(send(a, "x", 1, 0));
    SHOW(connect_to(a, to));
    struct iovec parts[2] = { { "ab", 2 }, { "cde", 3 } };
    struct mmsghdr many[3] = { { { .msg_iov = parts, .msg_iovlen = 2 } },
                               { { .msg_iov = parts + 1, .msg_iovlen = 1 } } };
    SHOW(sendmmsg(a, many, 2, 0));
    struct iovec rooms[3] = { { text, 4 }, { text + 10, 10 }, { text + 20, 10 } };
    for (int i = 0; i < 3; i++)
        many[i] = (struct mmsghdr){ { .msg_iov = &rooms[i], .msg_iovlen = 1 } };
    SHOW(recvmmsg(b, many, 3, MSG_WAITFORONE, NULL));
    printf("sizes %u %u, flags %#x %#x\n", many[0].msg_len, many[1].msg_len, many[0].msg_hdr.msg_flags,
           many[1].msg_hdr.msg_flags);
    close(b);
    SHOW(send(a, "x", 1, 0));
    SHOW(send(a, "x", 1, 0));
    static char big[70000];
    SHOW(send(a, big, sizeof(big), 0));
    close(a);
}

static void *drain(void *arg)
{
    static char part[30000];
    long total = 0, n;
    while ((n = read(*(int *)arg, part, sizeof(part))) > 0)
        total += n;
    return (void *)total;
}

static void bulk(void)
{
    int fds[3];
    static char data[3 << 20];
    pthread_t thread;
    void *total;
    printf("--- bulk\n");
    connected(fds);
    pthread_create(&thread, NULL, drain, &fds[2]);
    SHOW(write(fds[1], data, sizeof(data)));
    FILE *file = fopen("/tmp/bulk", "w+");
    fwrite(data, 1, 200000, file), fflush(file);
    off_t at = 1000;
    SHOW(sendfile(fds[1], fileno(file), &at, 150000));
    shutdown(fds[1], SHUT_WR);
    pthread_join(thread, &total);
    printf("received %ld\n", (long)total);
    fclose(file), unlink("/tmp/bulk");
    fcntl(fds[2], F_SETFL, O_NONBLOCK);
    long n, sent = 0;
    while ((n = write(fds[2], data, sizeof(data))) > 0)
        sent += n;
    printf("full: %s, after some %d\n", strerrorname_np(errno), sent > 65536);
    struct pollfd p = { fds[2], POLLOUT };
    printf("writable %d", poll(&p, 1, 0));
    for (long got = 0; got < sent; got += n)
        n = read(fds[1], data, sizeof(data));
    printf(" %d\n", poll(&p, 1, 5000));
    close_all(fds);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IONBF, 0);
    streams(), connecting(), options(), datagrams(), bulk();
    return 0;
}
