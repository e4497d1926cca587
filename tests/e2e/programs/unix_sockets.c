// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: each line says what a call answered. Made to print the same on Linux and inside.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SHOW(call) show(#call, (long)(call))

static void show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

static struct sockaddr_un name_of(const char *path, socklen_t *size)
{
    struct sockaddr_un name = { AF_UNIX };
    if (path[0] == '@') { // abstract
        memcpy(name.sun_path + 1, path + 1, strlen(path) - 1);
        *size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    } else {
        strcpy(name.sun_path, path);
        *size = sizeof(name);
    }
    return name;
}

static int bind_to(int fd, const char *path)
{
    socklen_t size;
    struct sockaddr_un name = name_of(path, &size);
    return bind(fd, (struct sockaddr *)&name, size);
}

static int connect_to(int fd, const char *path)
{
    socklen_t size;
    struct sockaddr_un name = name_of(path, &size);
    return connect(fd, (struct sockaddr *)&name, size);
}

static void print_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_un name;
    socklen_t size = sizeof(name);
    memset(&name, 0, sizeof(name));
    if (get(fd, (struct sockaddr *)&name, &size))
        printf("name: %s\n", strerrorname_np(errno));
    else
        printf("name: family %d size %d %s\n", name.sun_family, (int)size,
               name.sun_path[0] ? name.sun_path : name.sun_path + 1);
}

static void show_poll(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP };
    int n = poll(&p, 1, 0);
    printf("poll: %d %#x\n", n, (unsigned)p.revents);
}

static void streams(const char *path)
{
    char text[64] = { 0 };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct stat st;
    printf("--- streams, %s\n", path[0] == '@' ? "abstract" : "path");
    SHOW(connect_to(client, path));
    SHOW(listen(listener, 1));
    SHOW(bind_to(listener, path));
    SHOW(bind_to(listener, "/tmp/other"));
    SHOW(connect_to(client, path));
    SHOW(listen(listener, 1));
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind_to(second, path));
    if (path[0] != '@' && !stat(path, &st))
        printf("a socket file: %d\n", S_ISSOCK(st.st_mode));
    show_poll(client);
    SHOW(connect_to(client, path));
    SHOW(connect_to(client, path));
    SHOW(write(client, "early", 5));
    show_poll(listener);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    printf("cloexec %d\n", fcntl(server, F_GETFD));
    print_name(server, getsockname), print_name(server, getpeername);
    print_name(client, getsockname), print_name(client, getpeername);
    SHOW(recv(server, text, 3, MSG_PEEK));
    SHOW(read(server, text, sizeof(text)));
    printf("%s\n", text);
    show_poll(client);
    SHOW(shutdown(client, SHUT_WR));
    SHOW(read(server, text, sizeof(text)));
    SHOW(send(client, "x", 1, MSG_NOSIGNAL));
    SHOW(write(server, "back", 4));
    show_poll(server), show_poll(client);
    int pending = 0;
    ioctl(client, FIONREAD, &pending);
    printf("pending %d\n", pending);
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    SHOW(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size));
    printf("peer is this process: %d, root: %d\n", credentials.pid == getpid(), credentials.uid == 0);
    close(server);
    show_poll(client);
    SHOW(read(client, text, 4));
    SHOW(read(client, text, 4));
    close(client), close(listener);
    SHOW(connect_to(second, path));
    close(second);
    unlink(path);
}

static void pairs(int type)
{
    int ends[2];
    char text[64];
    printf("--- a pair of type %d\n", type);
    SHOW(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends));
    SHOW(read(ends[0], text, 1));
    SHOW(write(ends[0], "one", 3));
    SHOW(write(ends[0], "three", 5));
    SHOW(write(ends[0], "", 0));
    SHOW(recv(ends[1], text, 2, type == SOCK_STREAM ? 0 : MSG_TRUNC));
    SHOW(recv(ends[1], text, 63, 0));
    SHOW(recv(ends[1], text, 63, 0));
    SHOW(recv(ends[1], text, 63, 0));
    int count = 0;
    static char block[4096];
    while (count < 1000 && send(ends[0], block, sizeof(block), MSG_NOSIGNAL) > 0)
        count++;
    printf("full: %s, after some: %d\n", strerrorname_np(errno), count > 3);
    show_poll(ends[1]);
    close(ends[1]);
    SHOW(send(ends[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(ends[0], "x", 1, MSG_NOSIGNAL));
    show_poll(ends[0]);
    close(ends[0]);
}

static void datagrams(void)
{
    char text[64] = { 0 };
    struct sockaddr_un from;
    socklen_t size, from_size = sizeof(from);
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    printf("--- datagrams\n");
    SHOW(bind_to(a, "@events-a"));
    SHOW(bind_to(b, "/tmp/events-b"));
    struct sockaddr_un name = name_of("/tmp/events-b", &size);
    SHOW(send(a, "x", 1, 0));
    SHOW(sendto(a, "hello", 5, 0, (struct sockaddr *)&name, size));
    memset(&from, 0, sizeof(from));
    SHOW(recvfrom(b, text, sizeof(text), 0, (struct sockaddr *)&from, &from_size));
    printf("%s from %s %d\n", text, from.sun_path + 1, (int)from_size);
    SHOW(connect_to(a, "/tmp/events-b"));
    SHOW(send(a, "connected", 9, 0));
    SHOW(recv(b, text, sizeof(text), MSG_PEEK));
    SHOW(recv(b, text, sizeof(text), 0));
    SHOW(listen(a, 1));
    close(b);
    SHOW(send(a, "x", 1, 0));
    unlink("/tmp/events-b");
    SHOW(sendto(a, "x", 1, 0, (struct sockaddr *)&name, size));
    struct timeval tv = { 0, 20000 };
    SHOW(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    SHOW(recv(a, text, 1, 0));
    close(a);
    a = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un empty = { AF_UNIX };
    SHOW(bind(a, (struct sockaddr *)&empty, sizeof(sa_family_t)));
    size = sizeof(name);
    getsockname(a, (struct sockaddr *)&name, &size);
    printf("autobind %d\n", (int)size);
    close(a);
}

union control {
    char bytes[256];
    struct cmsghdr align;
};

static int send_files(int fd, const int *files, int count, const char *data)
{
    union control control = { { 0 } };
    struct iovec iov = { (void *)data, strlen(data) };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){ CMSG_LEN(sizeof(int) * count), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(header), files, sizeof(int) * count);
    return (int)sendmsg(fd, &message, 0);
}

static int receive_files(int fd, int *files, int room, int flags)
{
    union control control;
    char data[64];
    struct iovec iov = { data, sizeof(data) };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int) * room)
    };
    int n = (int)recvmsg(fd, &message, flags), count = 0;
    for (struct cmsghdr *header = n < 0 ? NULL : CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_type == SCM_RIGHTS) {
            count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(files, CMSG_DATA(header), sizeof(int) * count);
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred credentials;
            memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
            printf("credentials: own pid %d uid %d\n", credentials.pid == getpid(), credentials.uid);
        }
    }
    printf("received %d bytes, %d files, flags %#x\n", n, count, n < 0 ? 0 : message.msg_flags);
    return count;
}

static void rights(void)
{
    int ends[2], pipe_ends[2], got[4], on = 1;
    char c = 0;
    printf("--- rights\n");
    (void)!socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    (void)!pipe(pipe_ends);
    (void)!write(ends[0], "before", 6);
    SHOW(send_files(ends[0], pipe_ends, 2, "two"));
    (void)!write(ends[0], "after", 5);
    close(pipe_ends[0]), close(pipe_ends[1]);
    if (receive_files(ends[1], got, 4, MSG_CMSG_CLOEXEC) == 2) {
        SHOW(write(got[1], "y", 1));
        SHOW(read(got[0], &c, 1));
        printf("cloexec %d\n", fcntl(got[0], F_GETFD));
        close(got[0]), close(got[1]);
    }
    receive_files(ends[1], got, 4, 0);
    int three[3] = { 0, 1, 2 };
    SHOW(send_files(ends[0], three, 3, "cut"));
    for (int i = receive_files(ends[1], got, 1, 0); i > 0; i--)
        close(got[i - 1]);
    SHOW(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    (void)!write(ends[0], "who", 3);
    receive_files(ends[1], got, 4, 0);
    int bad = 999;
    SHOW(send_files(ends[0], &bad, 1, "bad"));
    // A circle: each end in the queue of the other, then both closed.
    send_files(ends[0], &ends[0], 1, "a");
    send_files(ends[1], &ends[1], 1, "b");
    int probe[2];
    (void)!pipe(probe);
    send_files(ends[0], &probe[1], 1, "c");
    close(probe[1]);
    close(ends[0]), close(ends[1]);
    struct pollfd p = { probe[0], POLLIN };
    close(socket(AF_UNIX, SOCK_STREAM, 0)); // Linux looks for such circles now
    int n = poll(&p, 1, 2000);
    printf("what the circle held is closed: %d %#x\n", n, (unsigned)p.revents);
}

static void *write_late(void *fd)
{
    usleep(50000);
    (void)!write(*(int *)fd, "world", 5);
    return NULL;
}

static void waiting(void)
{
    int ends[2];
    char text[16] = { 0 };
    pthread_t thread;
    printf("--- waiting\n");
    (void)!socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    (void)!write(ends[0], "hello", 5);
    pthread_create(&thread, NULL, write_late, &ends[0]);
    SHOW(recv(ends[1], text, 10, MSG_WAITALL));
    printf("%s\n", text);
    pthread_join(thread, NULL);
    int epoll = epoll_create1(0);
    struct epoll_event event = { EPOLLIN | EPOLLET | EPOLLRDHUP }, got;
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event);
    pthread_create(&thread, NULL, write_late, &ends[0]);
    int n = epoll_wait(epoll, &got, 1, 5000), again = epoll_wait(epoll, &got, 1, 0);
    printf("edge %d %d\n", n, again);
    pthread_join(thread, NULL);
    close(ends[0]);
    n = epoll_wait(epoll, &got, 1, 1000);
    printf("end %d %#x\n", n, n == 1 ? got.events : 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IONBF, 0);
    unlink("/tmp/events-socket"), unlink("/tmp/events-b");
    streams("/tmp/events-socket");
    streams("@events-stream");
    pairs(SOCK_STREAM), pairs(SOCK_DGRAM), pairs(SOCK_SEQPACKET);
    datagrams();
    rights();
    waiting();
    return 0;
}
