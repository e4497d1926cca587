// SPDX-License-Identifier: BSD-3-Clause
// Wrong arguments of the socket calls, one by one.
#include "cases.h"

static void sockets(void)
{
    int pair[2];
    section("socket");
    SHOW(socket(-1, SOCK_STREAM, 0));
    SHOW(socket(0, SOCK_STREAM, 0));
    SHOW(socket(1000, SOCK_STREAM, 0));
    SHOW(socket(AF_INET, 75, 0));
    SHOW(socket(AF_INET, -1, 0));
    SHOW(socket(AF_INET, 0, 0));
    SHOW(socket(AF_INET, 8, 0));
    SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
    SHOW(socket(AF_INET, SOCK_RDM, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_ICMP));
    SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    SHOW(socket(AF_INET, SOCK_STREAM, 300));
    SHOW(socket(AF_INET, SOCK_STREAM, -1));
    SHOW(socket(AF_INET, SOCK_STREAM | 0x100, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 5));
    SHOW(socket(AF_UNIX, SOCK_RDM, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM, -1));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    SHOW(socketpair(AF_INET, SOCK_DGRAM, 0, pair));
    SHOW(socketpair(AF_INET, 75, 0, pair));
    SHOW(socketpair(AF_INET, SOCK_STREAM, IPPROTO_UDP, pair));
    SHOW(socketpair(0, SOCK_STREAM, 0, pair));
    SHOW(socketpair(AF_UNIX, 75, 0, pair));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, pair));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 17, pair));
}

static void binds(void)
{
    struct sockaddr_in name = four(INADDR_LOOPBACK, 0), other = four(0x0a000001, 0);
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET, SOCK_STREAM, 0), file = open("/dev/null", O_RDWR);
    section("bind");
    SHOW(bind(-1, as_name(&name), sizeof(name)));
    SHOW(bind(file, as_name(&name), sizeof(name)));
    SHOW(bind(fd, NULL, sizeof(name)));
    SHOW(bind(fd, BAD, sizeof(name)));
    SHOW(bind(fd, as_name(&name), 3));
    SHOW(bind(fd, as_name(&name), 0));
    SHOW(bind(fd, as_name(&name), -1));
    SHOW(bind(fd, as_name(&name), 200));
    SHOW(bind(fd, as_name(&six), sizeof(six)));
    SHOW(bind(fd, as_name(&other), sizeof(other)));
    name.sin_family = 99;
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    name.sin_family = AF_UNSPEC;
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    name.sin_addr.s_addr = 0;
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    name.sin_family = AF_INET;
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    int fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
    name = four(INADDR_LOOPBACK, 0);
    SHOW(bind(fd6, as_name(&name), sizeof(name)));
    SHOW(bind(fd6, as_name(&six), 20));
    SHOW(bind(fd6, as_name(&six), 24));
    close(fd), close(fd6);
    fd = bound(SOCK_STREAM);
    name = name_of(fd);
    int again = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind(again, as_name(&name), sizeof(name)));
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    SHOW(listen(fd, 1));
    SHOW(bind(again, as_name(&name), sizeof(name)));
    close(again), close(fd), close(file);
}

static void unix_binds(void)
{
    struct sockaddr_un name = { AF_UNIX, "/tmp/net-errors" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), file;
    section("bind of AF_UNIX");
    unlink(name.sun_path);
    SHOW(bind(fd, as_name(&name), 1));
    SHOW(bind(fd, as_name(&name), sizeof(name) + 1));
    name.sun_family = AF_INET;
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    name.sun_family = AF_UNIX;
    SHOW(listen(fd, 1));
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    file = open(name.sun_path, O_CREAT | O_RDWR, 0600);
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    close(file), unlink(name.sun_path);
    strcpy(name.sun_path, "/tmp/no-folder/x");
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    strcpy(name.sun_path, "/dev/null/x");
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    strcpy(name.sun_path, "/tmp/net-errors");
    SHOW(bind(fd, as_name(&name), sizeof(name)));
    int other = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(bind(other, as_name(&name), sizeof(name)));
    SHOW(connect(other, as_name(&name), sizeof(name)));
    SHOW(accept(fd, NULL, NULL));
    SHOW(listen(fd, 1));
    SHOW(connect(datagram, as_name(&name), sizeof(name)));
    SHOW(listen(datagram, 1));
    SHOW(accept(datagram, NULL, NULL));
    name.sun_family = AF_UNSPEC;
    SHOW(connect(other, as_name(&name), sizeof(name)));
    SHOW(connect(datagram, as_name(&name), sizeof(name)));
    name.sun_family = AF_UNIX;
    SHOW(sendto(datagram, "x", 1, 0, as_name(&name), sizeof(name)));
    SHOW(send(datagram, "x", 1, 0));
    SHOW(send(other, "x", 1, MSG_NOSIGNAL));
    SHOW(sendto(other, "x", 1, MSG_NOSIGNAL, as_name(&name), sizeof(name)));
    SHOW(recv(other, &name, 1, 0));
    SHOW(recv(fd, &name, 1, 0));
    close(fd), close(other), close(datagram);
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(other, as_name(&name), sizeof(name)));
    SHOW(shutdown(other, SHUT_RD));
    close(other);
    unlink("/tmp/net-errors");
}

static void connects(void)
{
    int listener = bound(SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM, 0), file = open("/dev/null", O_RDWR);
    struct sockaddr_in name, any = four(0, 0);
    section("connect, listen, accept");
    listen(listener, 5);
    name = name_of(listener);
    SHOW(connect(-1, as_name(&name), sizeof(name)));
    SHOW(connect(file, as_name(&name), sizeof(name)));
    SHOW(connect(fd, BAD, sizeof(name)));
    SHOW(connect(fd, as_name(&name), 3));
    SHOW(connect(fd, as_name(&name), 0));
    SHOW(connect(fd, as_name(&name), -1));
    SHOW(connect(fd, as_name(&name), 1000));
    name.sin_family = 47;
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    name.sin_family = AF_INET;
    SHOW(connect(fd, as_name(&any), sizeof(any)));
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    SHOW(connect(fd, as_name(&name), sizeof(name)));
    SHOW(listen(fd, 1));
    SHOW(bind(fd, as_name(&any), sizeof(any)));
    int refused = bound(SOCK_STREAM), client = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect_with(client, refused));
    SHOW(connect(listener, as_name(&name), sizeof(name)));
    SHOW(listen(-1, 1));
    SHOW(listen(file, 1));
    SHOW(listen(listener, -1));
    int datagram = bound(SOCK_DGRAM);
    SHOW(listen(datagram, 1));
    SHOW(accept(-1, NULL, NULL));
    SHOW(accept(file, NULL, NULL));
    SHOW(accept(datagram, NULL, NULL));
    SHOW(accept(client, NULL, NULL));
    SHOW(accept(fd, NULL, NULL));
    SHOW(accept4(listener, NULL, NULL, 1));
    SHOW(accept4(-1, NULL, NULL, 1));
    fcntl(listener, F_SETFL, O_NONBLOCK);
    socklen_t size = (socklen_t)-1;
    SHOW(accept(listener, as_name(&name), BAD));
    SHOW(accept(listener, BAD, &size));
    SHOW(accept(listener, as_name(&name), &size));
    SHOW(accept(listener, NULL, NULL));
    int more = socket(AF_INET, SOCK_STREAM, 0);
    connect_with(more, listener);
    size = 4;
    int got = accept(listener, as_name(&name), &size);
    printf("accepted %d, size %d\n", got >= 0, (int)size);
    close(more), close(got);
    close(listener), close(fd), close(file), close(refused), close(client), close(datagram);
}

static void names(void)
{
    int fd = bound(SOCK_STREAM), file = open("/dev/null", O_RDWR), pair[2];
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    section("names");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    SHOW(getsockname(-1, as_name(&name), &size));
    SHOW(getsockname(file, as_name(&name), &size));
    SHOW(getsockname(fd, BAD, &size));
    SHOW(getsockname(fd, as_name(&name), BAD));
    size = (socklen_t)-1;
    SHOW(getsockname(fd, as_name(&name), &size));
    size = 2;
    SHOW(getsockname(fd, as_name(&name), &size));
    printf("size %d\n", (int)size);
    size = 100;
    SHOW(getsockname(fd, as_name(&name), &size));
    printf("size %d\n", (int)size);
    SHOW(getpeername(-1, as_name(&name), &size));
    SHOW(getpeername(file, as_name(&name), &size));
    SHOW(getpeername(fd, as_name(&name), &size));
    size = sizeof(name);
    SHOW(getpeername(pair[0], as_name(&name), &size));
    printf("size %d\n", (int)size);
    SHOW(getpeername(pair[0], BAD, &size));
    size = (socklen_t)-1;
    SHOW(getpeername(pair[0], as_name(&name), &size));
    SHOW(shutdown(-1, 0));
    SHOW(shutdown(file, 0));
    SHOW(shutdown(fd, 7));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(shutdown(pair[0], -1));
    SHOW(shutdown(pair[0], SHUT_RDWR));
    SHOW(shutdown(pair[0], SHUT_RDWR));
    SHOW(getpeername(pair[0], BAD, &size));
    close(fd), close(file), close_all(pair, 2);
}

static void data(void)
{
    int fds[3], file = open("/dev/null", O_RDWR), datagram = bound(SOCK_DGRAM), fresh = socket(AF_INET, SOCK_STREAM, 0);
    char text[64] = { 0 };
    struct sockaddr_in name = name_of(datagram);
    socklen_t size = sizeof(name);
    section("send and receive");
    connected(fds);
    signal(SIGPIPE, SIG_IGN);
    SHOW(send(-1, text, 1, 0));
    SHOW(send(file, text, 1, 0));
    SHOW(send(fds[1], BAD, 1, 0));
    SHOW(send(fresh, text, 1, 0));
    SHOW(send(fds[1], text, 1, MSG_OOB));
    SHOW(recv(fds[2], text, 1, MSG_OOB));
    SHOW(recv(fds[2], text, 1, MSG_OOB));
    SHOW(send(datagram, text, 1, MSG_OOB));
    SHOW(send(datagram, text, 1, 0));
    SHOW(sendto(datagram, text, 1, 0, as_name(&name), -1));
    SHOW(sendto(datagram, text, 1, 0, BAD, sizeof(name)));
    SHOW(sendto(datagram, text, 1, 0, as_name(&name), 1000));
    SHOW(sendto(datagram, text, 1, 0, as_name(&name), 3));
    SHOW(sendto(datagram, BAD, 1, 0, as_name(&name), sizeof(name)));
    SHOW(sendto(datagram, text, 1, MSG_ERRQUEUE, as_name(&name), sizeof(name)));
    char *big = malloc(70000);
    memset(big, 0, 70000);
    SHOW(sendto(datagram, big, 66000, 0, as_name(&name), sizeof(name)));
    SHOW(sendto(datagram, big, 65508, 0, as_name(&name), sizeof(name)));
    SHOW(sendto(datagram, big, 65507, 0, as_name(&name), sizeof(name)));
    free(big);
    SHOW(recvfrom(datagram, text, 4, MSG_DONTWAIT | MSG_TRUNC, as_name(&name), &size));
    SHOW(recvfrom(datagram, text, 4, MSG_DONTWAIT, as_name(&name), &size));
    name.sin_port = 0;
    SHOW(sendto(datagram, text, 1, 0, as_name(&name), sizeof(name)));
    name.sin_family = 47;
    SHOW(sendto(datagram, text, 1, 0, as_name(&name), sizeof(name)));
    SHOW(recv(-1, text, 1, 0));
    SHOW(recv(file, text, 1, 0));
    SHOW(recv(fresh, text, 1, 0));
    SHOW(recv(fds[0], text, 1, 0));
    SHOW(recv(fds[1], text, 1, MSG_OOB));
    SHOW(recv(fds[1], text, 1, MSG_ERRQUEUE));
    SHOW(recv(fds[1], text, 1, MSG_DONTWAIT));
    send(fds[2], "abcd", 4, 0);
    SHOW(recv(fds[1], BAD, 1, 0));
    SHOW(recvfrom(fds[1], text, 1, 0, as_name(&name), BAD));
    size = (socklen_t)-1;
    SHOW(recvfrom(fds[1], text, 1, 0, as_name(&name), &size));
    size = sizeof(name);
    SHOW(recvfrom(fds[1], text, 1, 0, as_name(&name), &size));
    printf("size %d\n", (int)size);
    close_all(fds, 3), close(file), close(datagram), close(fresh);
}

static void headers(void)
{
    int fds[3], file = open("/dev/null", O_RDWR), datagram = bound(SOCK_DGRAM), pair[2];
    char text[64] = { 0 };
    struct iovec iov = { text, 4 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct sockaddr_in name = name_of(datagram);
    section("sendmsg and recvmsg");
    connected(fds);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    SHOW(sendmsg(-1, &m, 0));
    SHOW(sendmsg(file, &m, 0));
    SHOW(sendmsg(fds[1], BAD, 0));
    m.msg_iov = BAD;
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(recvmsg(fds[1], &m, MSG_DONTWAIT));
    m.msg_iov = &iov;
    m.msg_iovlen = (size_t)-1;
    SHOW(sendmsg(fds[1], &m, 0));
    m.msg_iovlen = 1025;
    SHOW(sendmsg(fds[1], &m, 0));
    m.msg_iovlen = 0;
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(recvmsg(fds[1], &m, MSG_DONTWAIT));
    m.msg_iovlen = 1;
    iov.iov_base = BAD;
    SHOW(sendmsg(fds[1], &m, 0));
    iov.iov_base = text, iov.iov_len = (size_t)-1;
    SHOW(sendmsg(fds[1], &m, 0));
    iov.iov_len = 4;
    m.msg_name = &name, m.msg_namelen = (socklen_t)-1;
    SHOW(sendmsg(datagram, &m, 0));
    m.msg_namelen = 4;
    SHOW(sendmsg(datagram, &m, 0));
    m.msg_name = BAD, m.msg_namelen = sizeof(name);
    SHOW(sendmsg(datagram, &m, 0));
    m.msg_name = &name;
    SHOW(sendmsg(datagram, &m, 0));
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(sendmsg(pair[0], &m, 0));
    m.msg_name = NULL;
    m.msg_control = BAD, m.msg_controllen = 32;
    SHOW(sendmsg(fds[1], &m, 0));
    m.msg_control = text, m.msg_controllen = 4;
    SHOW(sendmsg(fds[1], &m, 0));
    m.msg_controllen = 20;
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(sendmsg(pair[1], &m, 0));
    struct cmsghdr *c = (void *)text;
    *c = (struct cmsghdr){ sizeof(*c) + 4, SOL_SOCKET, SCM_RIGHTS };
    SHOW(sendmsg(fds[1], &m, 0));
    c->cmsg_type = 77;
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(sendmsg(pair[1], &m, 0));
    c->cmsg_level = 77;
    SHOW(sendmsg(fds[1], &m, 0));
    SHOW(sendmsg(pair[1], &m, 0));
    *c = (struct cmsghdr){ sizeof(*c) + 4, SOL_SOCKET, SCM_RIGHTS };
    *(int *)CMSG_DATA(c) = -1;
    SHOW(sendmsg(pair[1], &m, 0));
    m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
    SHOW(recvmsg(-1, &m, 0));
    SHOW(recvmsg(file, &m, 0));
    SHOW(recvmsg(datagram, BAD, MSG_DONTWAIT));
    m.msg_name = &name, m.msg_namelen = (socklen_t)-1;
    SHOW(recvmsg(datagram, &m, MSG_DONTWAIT));
    m.msg_namelen = sizeof(name);
    SHOW(recvmsg(datagram, &m, MSG_DONTWAIT));
    printf("name %d flags %#x control %zu\n", (int)m.msg_namelen, (unsigned)m.msg_flags, m.msg_controllen);
    struct mmsghdr many[2] = { { { .msg_iov = &iov, .msg_iovlen = 1 }, 0 },
                               { { .msg_iov = BAD, .msg_iovlen = 1 }, 0 } };
    SHOW(sendmmsg(-1, many, 2, 0));
    SHOW(sendmmsg(pair[0], many, 2, 0));
    SHOW(sendmmsg(pair[0], many + 1, 1, 0));
    SHOW(sendmmsg(pair[0], BAD, 1, 0));
    SHOW(sendmmsg(pair[0], many, 0, 0));
    struct timespec ts = { 0, -1 };
    SHOW(recvmmsg(pair[1], many, 1, 0, &ts));
    SHOW(recvmmsg(pair[1], many, 1, 0, BAD));
    SHOW(recvmmsg(pair[1], BAD, 1, MSG_DONTWAIT, NULL));
    SHOW(recvmmsg(pair[1], many, 0, 0, NULL));
    SHOW(recvmmsg(pair[0], many, 1, MSG_DONTWAIT, NULL));
    close_all(fds, 3), close(file), close(datagram), close_all(pair, 2);
}

static void options(void)
{
    int fd = bound(SOCK_STREAM), file = open("/dev/null", O_RDWR), datagram = bound(SOCK_DGRAM), pair[2], value = 1;
    socklen_t size = sizeof(value);
    section("options");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    SHOW(getsockopt(-1, SOL_SOCKET, SO_OOBINLINE, &value, &size));
    SHOW(getsockopt(file, SOL_SOCKET, SO_OOBINLINE, &value, &size));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, BAD, &size));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, BAD));
    size = (socklen_t)-1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, &size));
    size = sizeof(value);
    SHOW(getsockopt(fd, 500, SO_OOBINLINE, &value, &size));
    SHOW(getsockopt(datagram, IPPROTO_TCP, TCP_NODELAY, &value, &size));
    SHOW(getsockopt(datagram, IPPROTO_UDP, 9999, &value, &size));
    SHOW(getsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, &size));
    SHOW(getsockopt(fd, IPPROTO_IP, -1, &value, &size));
    SHOW(getsockopt(fd, IPPROTO_TCP, -1, &value, &size));
    SHOW(getsockopt(fd, SOL_SOCKET, 9999, &value, &size));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, &size));
    SHOW(getsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &value, &size));
    SHOW(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &size));
    size = 0;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size));
    size = 1, value = -1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size));
    printf("value %#x size %d\n", (unsigned)value, (int)size);
    size = sizeof(value);
    SHOW(setsockopt(-1, SOL_SOCKET, SO_OOBINLINE, &value, size));
    SHOW(setsockopt(file, SOL_SOCKET, SO_OOBINLINE, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, NULL, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, BAD, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, 0));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, 3));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, (socklen_t)-1));
    SHOW(setsockopt(fd, 500, SO_OOBINLINE, &value, size));
    SHOW(setsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, size));
    SHOW(setsockopt(fd, IPPROTO_TCP, -1, &value, size));
    SHOW(setsockopt(fd, IPPROTO_IP, -1, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, 9999, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ERROR, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, size));
    SHOW(setsockopt(datagram, IPPROTO_TCP, TCP_NODELAY, &value, size));
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 3));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, size));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, size));
    SHOW(setsockopt(pair[0], SOL_SOCKET, 9999, &value, size));
    SHOW(setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &value, size));
    SHOW(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &value, 1));
    struct timeval bad = { 0, 2000000 };
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)));
    close(fd), close(file), close(datagram), close_all(pair, 2);
}

// What every socket keeps and tells back, and who the other end is.
static void kept(void)
{
    static const int options[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE, SO_OOBINLINE, SO_PRIORITY,
                                   SO_RCVLOWAT,  SO_SNDLOWAT,  SO_PASSCRED,  SO_SNDBUF,    SO_RCVBUF };
    struct ucred cred;
    socklen_t size = sizeof(cred);
    struct linger linger = { 1, 7 };
    int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = { AF_UNIX, "/tmp/net-kept" };
    section("kept options, credentials");
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int before = number_option(pair[0], SOL_SOCKET, options[i]),
            set = set_number(pair[0], SOL_SOCKET, options[i], 5);
        printf("%d: %d, %d %s, %d\n", options[i], before, set, set ? strerrorname_np(errno) : "",
               number_option(pair[0], SOL_SOCKET, options[i]));
    }
    SHOW(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    memset(&linger, 0, sizeof(linger));
    size = sizeof(linger);
    SHOW(getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, &size));
    printf("linger %d %d\n", linger.l_onoff, linger.l_linger);
    size = sizeof(cred);
    SHOW(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &size));
    printf("own %d, %u %u\n", cred.pid == getpid(), cred.uid, cred.gid);
    size = sizeof(cred);
    SHOW(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &size));
    printf("nobody %d, %d %d\n", cred.pid, (int)cred.uid, (int)cred.gid);
    SHOW(bind(listener, as_name(&name), sizeof(name)));
    SHOW(listen(listener, 1));
    SHOW(chmod(name.sun_path, 0600));
    if (!fork()) {
        if (setgid(1000) || setuid(1000))
            _exit(2);
        errno = 0;
        int err = connect(client, as_name(&name), sizeof(name));
        _exit(err ? errno : 0);
    }
    int status;
    wait(&status);
    printf("another user: %s\n", strerrorname_np(WEXITSTATUS(status)));
    SHOW(chmod(name.sun_path, 0666));
    if (!fork()) {
        if (setgid(1000) || setuid(1000))
            _exit(2);
        connect(client, as_name(&name), sizeof(name));
        _exit(0);
    }
    wait(&status);
    int fd = accept(listener, NULL, NULL);
    size = sizeof(cred);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size));
    printf("the user %u %u\n", cred.uid, cred.gid);
    unlink(name.sun_path);
    close(fd), close(listener), close(client), close_all(pair, 2);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    sockets();
    binds();
    unix_binds();
    connects();
    names();
    data();
    headers();
    options();
    kept();
    return 0;
}
