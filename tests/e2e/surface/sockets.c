// SPDX-License-Identifier: BSD-3-Clause
// Sockets: creation, names, options and their errors. Those of AF_INET stay on the loopback.
#include "surface.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

CASE(create_arguments)
{
    SEE(socket(-1, SOCK_STREAM, 0));
    SEE(socket(999, SOCK_STREAM, 0));
    SEE(socket(AF_UNIX, 99, 0));
    SEE(socket(AF_UNIX, -1, 0));
    SEE(socket(AF_UNIX, 0, 0));
    SEE(socket(AF_UNIX, SOCK_STREAM, 1));
    SEE(socket(AF_UNIX, SOCK_STREAM, 99));
    SEE(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SEE(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    SEE(socket(AF_INET, 75, 0));
    SEE(socket(AF_UNIX, SOCK_STREAM | 0x10, 0));
    GOOD(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    GOOD(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    tell("%d %o", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
}
CASE(pair_arguments)
{
    int fds[2];
    SEE(socketpair(0, SOCK_STREAM, 0, fds));
    SEE(socketpair(999, SOCK_STREAM, 0, fds));
    SEE(socketpair(AF_UNIX, 75, 0, fds));
    SEE(socketpair(AF_UNIX, SOCK_DGRAM, 0, (int *)bad));
    SEE(socketpair(AF_INET, SOCK_STREAM, 0, fds));
    SEE(socketpair(AF_INET, SOCK_DGRAM, 0, fds));
    SEE(socketpair(AF_INET, SOCK_DGRAM, IPPROTO_TCP, fds));
    SEE(socketpair(AF_INET, SOCK_STREAM, IPPROTO_UDP, fds));
    SEE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}
#define NO_SOCKET(call)                             \
    do {                                            \
        int fd = -1;                                \
        see(#call " of none", (call));              \
        fd = file;                                  \
        errno = 0, see(#call " of a file", (call)); \
    } while (0)
CASE(no_sockets)
{
    struct sockaddr_un name = { AF_UNIX, "n" };
    socklen_t size = sizeof(name);
    int value = 0;
    file_with("f", "x");
    int file = open("f", O_RDWR);
    NO_SOCKET(bind(fd, (void *)&name, size));
    NO_SOCKET(connect(fd, (void *)&name, size));
    NO_SOCKET(listen(fd, 1));
    NO_SOCKET(accept(fd, NULL, NULL));
    NO_SOCKET(accept4(fd, NULL, NULL, 1));
    NO_SOCKET(getsockname(fd, (void *)&name, &size));
    NO_SOCKET(getpeername(fd, (void *)&name, &size));
    NO_SOCKET(send(fd, "x", 1, 0));
    NO_SOCKET(recv(fd, &value, 1, 0));
    NO_SOCKET(sendto(fd, "x", 1, 0, (void *)&name, size));
    NO_SOCKET(sendmsg(fd, &(struct msghdr){ 0 }, 0));
    NO_SOCKET(recvmsg(fd, &(struct msghdr){ 0 }, 0));
    NO_SOCKET(shutdown(fd, SHUT_RD));
    NO_SOCKET(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    NO_SOCKET(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &size));
}
static int unix_socket(int type, const char *name)
{
    struct sockaddr_un a = { AF_UNIX };
    int fd = socket(AF_UNIX, type, 0);
    strcpy(a.sun_path, name);
    if (bind(fd, (void *)&a, sizeof(a)))
        tell("bind %s: %s", name, strerrorname_np(errno));
    return fd;
}
static int to(int fd, const char *name)
{
    struct sockaddr_un a = { AF_UNIX };
    strcpy(a.sun_path, name);
    return connect(fd, (void *)&a, sizeof(a));
}
CASE(bind_errors)
{
    struct sockaddr_un a = { AF_UNIX, "none/x" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SEE(bind(fd, (void *)&a, sizeof(a)));
    file_with("f", "x");
    strcpy(a.sun_path, "f");
    SEE(bind(fd, (void *)&a, sizeof(a)));
    strcpy(a.sun_path, "f/x");
    SEE(bind(fd, (void *)&a, sizeof(a)));
    a.sun_family = AF_INET;
    SEE(bind(fd, (void *)&a, sizeof(a)));
    a.sun_family = AF_UNIX;
    SEE(bind(fd, (void *)&a, 1));
    SEE(bind(fd, (void *)&a, 0));
    SEE(bind(fd, (void *)&a, -1));
    SEE(bind(fd, (void *)&a, 111));
    SEE(bind(fd, (void *)bad, sizeof(a)));
    strcpy(a.sun_path, "s");
    SEE(bind(fd, (void *)&a, sizeof(a)));
    strcpy(a.sun_path, "t");
    SEE(bind(fd, (void *)&a, sizeof(a)));
    struct stat st;
    SEE(stat("s", &st));
    tell("%o", st.st_mode);
    symlink("loop", "loop");
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(a.sun_path, "loop/x");
    SEE(bind(other, (void *)&a, sizeof(a)));
    strcpy(a.sun_path, "loop");
    SEE(bind(other, (void *)&a, sizeof(a)));
    SEE(bind(other, (void *)&a, 2)); // autobind
}
CASE(connect_errors)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), datagram = unix_socket(SOCK_DGRAM, "d"),
        s = unix_socket(SOCK_STREAM, "s");
    file_with("f", "x");
    SEE(to(fd, "none"));
    SEE(to(fd, "f"));
    SEE(to(fd, "f/x"));
    SEE(to(fd, "d"));
    SEE(to(fd, "s"));
    listen(s, 1);
    SEE(to(fd, "s"));
    SEE(to(fd, "s"));
    SEE(connect(fd, (void *)bad, 10));
    SEE(connect(fd, (void *)"", 1));
    SEE(listen(fd, 1));
    SEE(to(s, "s"));
    SEE(listen(datagram, 1));
    SEE(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1));
    SEE(accept(fd, NULL, NULL));
    SEE(accept(datagram, NULL, NULL));
    struct sockaddr none = { AF_UNSPEC };
    SEE(connect(datagram, &none, sizeof(none)));
    int in = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_un a = { AF_UNIX, "s" };
    SEE(connect(in, (void *)&a, sizeof(a)));
    SEE(connect(in, (void *)&a, 3));
}
static void nobody_connects(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SEE(to(fd, "s"));
    SEE(to(fd, "d/s"));
    struct sockaddr_un a = { AF_UNIX, "mine" };
    SEE(bind(fd, (void *)&a, sizeof(a)));
    struct sockaddr_in in = { AF_INET, htons(80), { htonl(INADDR_LOOPBACK) } };
    SEE(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, sizeof(in)));
}
CASE(as_nobody_connect)
{
    mkdir("d", 0700);
    listen(unix_socket(SOCK_STREAM, "s"), 1);
    listen(unix_socket(SOCK_STREAM, "d/s"), 1);
    chmod("s", 0600);
    as_nobody(nobody_connects);
}
CASE(names_told)
{
    struct sockaddr_un a;
    socklen_t size = sizeof(a);
    int s = unix_socket(SOCK_STREAM, "s"), fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&a, 'x', sizeof(a));
    SEE(getsockname(s, (void *)&a, &size));
    tell("%d %d %s", size, a.sun_family, a.sun_path);
    size = 3;
    SEE(getsockname(s, (void *)&a, &size));
    tell("%d", size);
    size = sizeof(a);
    SEE(getsockname(fd, (void *)&a, &size));
    tell("%d", size);
    SEE(getpeername(fd, (void *)&a, &size));
    size = -1;
    SEE(getsockname(s, (void *)&a, &size));
    SEE(getsockname(s, (void *)&a, (void *)bad));
    size = sizeof(a);
    SEE(getsockname(s, (void *)bad, &size));
    listen(s, 1);
    to(fd, "s");
    size = sizeof(a);
    SEE(getpeername(fd, (void *)&a, &size));
    tell("%d %s", size, a.sun_path);
    size = sizeof(a);
    memset(&a, 'x', sizeof(a));
    int c = accept(s, (void *)&a, &size);
    tell("size %d", size);
    size = -5;
    to(socket(AF_UNIX, SOCK_STREAM, 0), "s");
    SEE(accept(s, (void *)&a, &size));
}
CASE(abstract_names)
{
    struct sockaddr_un a = { AF_UNIX }, got;
    socklen_t size = sizeof(got);
    memcpy(a.sun_path, "\0occlum-surface\0x", 17);
    int s = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SEE(bind(s, (void *)&a, 2 + 17));
    SEE(bind(fd, (void *)&a, 2 + 17));
    listen(s, 1);
    SEE(connect(fd, (void *)&a, 2 + 16));
    SEE(connect(fd, (void *)&a, 2 + 17));
    SEE(getpeername(fd, (void *)&got, &size));
    tell("%d %d", size, memcmp(got.sun_path, a.sun_path, 17));
}
CASE(data_errors)
{
    int fds[2], alone = socket(AF_UNIX, SOCK_STREAM, 0);
    char buf[8];
    signal(SIGPIPE, SIG_IGN);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    SEE(send(alone, "x", 1, 0));
    SEE(recv(alone, buf, 1, 0));
    SEE(read(alone, buf, 1));
    SEE(write(alone, "x", 1));
    SEE(recv(fds[0], buf, 1, MSG_DONTWAIT));
    SEE(send(fds[0], bad, 1, 0));
    SEE(sendto(fds[0], "x", 1, 0, (void *)buf, 1));
    SEE(recv(fds[1], bad, 1, MSG_DONTWAIT));
    SEE(lseek(fds[0], 0, SEEK_SET));
    SEE(pread(fds[0], buf, 1, 0));
    SEE(shutdown(fds[0], 3));
    SEE(shutdown(fds[0], -1));
    SEE(shutdown(alone, SHUT_RDWR));
    SEE(shutdown(fds[0], SHUT_WR));
    SEE(send(fds[0], "x", 1, 0));
    SEE(read(fds[1], buf, 8));
    SEE(read(fds[1], buf, 8));
    close(fds[1]);
    SEE(write(fds[0], "x", 1));
    SEE(read(fds[0], buf, 1));
    signal(SIGPIPE, SIG_DFL);
}
CASE(messages_keep_bounds)
{
    char buf[8];
    for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
        int fds[2];
        socketpair(AF_UNIX, type, 0, fds);
        send(fds[0], "hello", 5, 0);
        send(fds[0], "", 0, 0);
        send(fds[0], "world", 5, 0);
        SEE(recv(fds[1], buf, 2, MSG_TRUNC));
        SEE(recv(fds[1], buf, 8, MSG_DONTWAIT));
        SEE(recv(fds[1], buf, 8, MSG_PEEK));
        SEE(recv(fds[1], buf, 8, MSG_DONTWAIT));
        SEE(recv(fds[1], buf, 8, MSG_DONTWAIT));
        close(fds[0]);
        SEE(recv(fds[1], buf, 8, MSG_DONTWAIT));
    }
}
CASE(message_errors)
{
    int fds[2];
    char buf[8] = { 0 };
    struct iovec v = { buf, 8 }, wrong = { bad, 8 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    SEE(sendmsg(fds[0], (void *)bad, 0));
    SEE(recvmsg(fds[0], (void *)bad, 0));
    m.msg_iovlen = 1025;
    SEE(sendmsg(fds[0], &m, 0));
    m.msg_iovlen = 1;
    m.msg_iov = &wrong;
    SEE(sendmsg(fds[0], &m, 0));
    m.msg_iov = (void *)bad;
    SEE(sendmsg(fds[0], &m, 0));
    m.msg_iov = &v;
    m.msg_control = bad;
    m.msg_controllen = 32;
    SEE(sendmsg(fds[0], &m, 0));
    m.msg_control = NULL;
    m.msg_controllen = 0;
    v.iov_len = -1;
    SEE(sendmsg(fds[0], &m, 0));
    v.iov_len = 8;
    SEE(sendmsg(fds[0], &m, 0));
    m.msg_flags = 77;
    SEE(recvmsg(fds[1], &m, 0));
    tell("flags %d", m.msg_flags);
    SEE(recvmsg(fds[1], &m, MSG_DONTWAIT));
    SEE(syscall(SYS_sendmmsg, fds[0], bad, 1, 0));
    SEE(syscall(SYS_recvmmsg, fds[0], bad, 1, MSG_DONTWAIT, NULL));
    SEE(syscall(SYS_sendmmsg, fds[0], NULL, 0, 0));
}
CASE(rights_errors)
{
    int fds[2];
    char control[CMSG_SPACE(sizeof(int) * 2)] = { 0 };
    struct iovec v = { "x", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(4) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    *(int *)CMSG_DATA(c) = -1;
    SEE(sendmsg(fds[0], &m, 0));
    *(int *)CMSG_DATA(c) = 0;
    SEE(sendmsg(fds[0], &m, 0));
    c->cmsg_type = 99;
    SEE(sendmsg(fds[0], &m, 0));
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = 4;
    SEE(sendmsg(fds[0], &m, 0));
    c->cmsg_len = 1000;
    SEE(sendmsg(fds[0], &m, 0));
    char buf[1];
    v.iov_base = buf;
    m.msg_controllen = CMSG_LEN(0);
    SEE(recvmsg(fds[1], &m, 0));
    tell("flags %x length %zu", m.msg_flags, m.msg_controllen);
}
static void option(int fd, int level, int name, const char *text)
{
    int value = 0;
    socklen_t size = sizeof(value);
    errno = 0;
    int r = getsockopt(fd, level, name, &value, &size);
    tell("%s: %d %s value %d size %d", text, r, r ? strerrorname_np(errno) : "", value, size);
}
#define OPTION(fd, level, name) option(fd, level, name, #name)
CASE(options_read)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0),
        udp = socket(AF_INET, SOCK_DGRAM, 0);
    OPTION(fd, SOL_SOCKET, SO_TYPE);
    OPTION(fd, SOL_SOCKET, SO_DOMAIN);
    OPTION(fd, SOL_SOCKET, SO_PROTOCOL);
    OPTION(fd, SOL_SOCKET, SO_ERROR);
    OPTION(fd, SOL_SOCKET, SO_ACCEPTCONN);
    OPTION(fd, SOL_SOCKET, SO_REUSEADDR);
    OPTION(fd, SOL_SOCKET, SO_KEEPALIVE);
    OPTION(fd, SOL_SOCKET, SO_BROADCAST);
    OPTION(fd, SOL_SOCKET, SO_PASSCRED);
    OPTION(fd, SOL_SOCKET, SO_RCVLOWAT);
    OPTION(fd, SOL_SOCKET, SO_SNDLOWAT);
    OPTION(fd, SOL_SOCKET, 9999);
    OPTION(fd, 9999, 1);
    OPTION(fd, IPPROTO_TCP, TCP_NODELAY);
    OPTION(tcp, SOL_SOCKET, SO_TYPE);
    OPTION(tcp, SOL_SOCKET, SO_PROTOCOL);
    OPTION(tcp, IPPROTO_TCP, TCP_NODELAY);
    OPTION(udp, SOL_SOCKET, SO_TYPE);
    OPTION(udp, IPPROTO_TCP, TCP_NODELAY);
    OPTION(-1, SOL_SOCKET, SO_TYPE);
}
CASE(options_set)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), one = 1, tcp = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval wrong = { 0, 1000000 }, good = { 1, 0 };
    socklen_t size = 4;
    SEE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4));
    OPTION(fd, SOL_SOCKET, SO_REUSEADDR);
    SEE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 3));
    SEE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, -1));
    SEE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, bad, 4));
    SEE(setsockopt(fd, SOL_SOCKET, 9999, &one, 4));
    SEE(setsockopt(fd, 9999, 1, &one, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_TYPE, &one, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_ERROR, &one, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &one, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof(wrong)));
    SEE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &good, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &good, sizeof(good)));
    SEE(setsockopt(fd, SOL_SOCKET, SO_LINGER, &one, 4));
    SEE(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, 4));
    OPTION(fd, SOL_SOCKET, SO_PASSCRED);
    SEE(setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, 4));
    OPTION(tcp, IPPROTO_TCP, TCP_NODELAY);
    SEE(setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, 1));
    SEE(setsockopt(tcp, IPPROTO_TCP, 9999, &one, 4));
    SEE(setsockopt(tcp, IPPROTO_IP, 9999, &one, 4));
    SEE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4));
    SEE(getsockopt(fd, SOL_SOCKET, SO_TYPE, bad, &size));
    SEE(getsockopt(fd, SOL_SOCKET, SO_TYPE, &one, (void *)bad));
    size = -1;
    SEE(getsockopt(fd, SOL_SOCKET, SO_TYPE, &one, &size));
    size = 2;
    SEE(getsockopt(fd, SOL_SOCKET, SO_TYPE, &one, &size));
    tell("size %d", size);
}
CASE(credentials)
{
    int fds[2];
    struct ucred u;
    socklen_t size = sizeof(u);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    SEE(getsockopt(fds[0], SOL_SOCKET, SO_PEERCRED, &u, &size));
    tell("%d %d %d", u.pid == getpid(), u.uid, u.gid);
    size = sizeof(u);
    SEE(getsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_PEERCRED, &u, &size));
    tell("%d %d %d", u.pid, u.uid, u.gid);
}
CASE(inet_errors)
{
    struct sockaddr_in a = { AF_INET, 0, { htonl(INADDR_LOOPBACK) } },
                       far = { AF_INET, htons(1), { htonl(0x01010101) } };
    int s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof(a);
    SEE(bind(s, (void *)&a, 4));
    SEE(bind(s, (void *)&a, sizeof(a)));
    SEE(bind(s, (void *)&a, sizeof(a)));
    getsockname(s, (void *)&a, &size);
    SEE(connect(t, (void *)&a, sizeof(a)));
    SEE(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof(a)));
    SEE(bind(t, (void *)&far, sizeof(far)));
    SEE(accept(s, NULL, NULL));
    listen(s, 1);
    SEE(connect(t, (void *)&a, 4));
    a.sin_family = 99;
    SEE(connect(t, (void *)&a, sizeof(a)));
    SEE(bind(t, (void *)&a, sizeof(a)));
    a.sin_family = AF_INET;
    SEE(connect(t, (void *)&a, sizeof(a)));
    SEE(connect(t, (void *)&a, sizeof(a)));
    SEE(listen(t, 1));
    SEE(getpeername(s, (void *)&a, &size));
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    SEE(send(u, "x", 1, 0));
    SEE(sendto(u, "x", 1, 0, (void *)&a, 4));
    SEE(recv(u, &a, 1, MSG_DONTWAIT));
    SEE(shutdown(u, SHUT_RD));
    SEE(listen(u, 1));
}
