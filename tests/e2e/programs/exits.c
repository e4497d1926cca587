// SPDX-License-Identifier: BSD-3-Clause
// Does one thing N times; whoever runs it counts what that costs in host calls.
//     exits wake|pipe|unix|tcp|epoll N    between two threads of this program
//     exits idle 0                             threads that wait for all kinds of things
//     exits recv|echo|polled N PORT            with a server at 127.0.0.1:PORT, which sends or echoes single bytes
#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct end {
    int in, out, rounds;
    int epoll; // waits there before it reads; -1: blocks in read
};

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void await(const struct end *end)
{
    struct epoll_event event;
    if (end->epoll >= 0)
        must(epoll_wait(end->epoll, &event, 1, -1) == 1, "epoll_wait");
}

static void *echo(void *argument)
{
    struct end *end = argument;
    char byte;
    for (int i = 0; i < end->rounds; i++) {
        await(end);
        must(read(end->in, &byte, 1) == 1 && write(end->out, &byte, 1) == 1, "echo");
    }
    return NULL;
}

static int with_epoll(int fd)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN };
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    return epoll;
}

static void ping(struct end mine, struct end other)
{
    pthread_t thread;
    char byte = 'x';
    must(pthread_create(&thread, NULL, echo, &other) == 0, "thread");
    for (int i = 0; i < mine.rounds; i++) {
        must(write(mine.out, &byte, 1) == 1, "write");
        await(&mine);
        must(read(mine.in, &byte, 1) == 1, "read");
    }
    pthread_join(thread, NULL);
}

static void pipes(int rounds)
{
    int there[2], back[2];
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    ping((struct end){ back[0], there[1], rounds, -1 }, (struct end){ there[0], back[1], rounds, -1 });
}

static void unix_pair(int rounds)
{
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    ping((struct end){ pair[0], pair[0], rounds, -1 }, (struct end){ pair[1], pair[1], rounds, -1 });
}

static void tcp(int rounds, int epolls)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(listener, (void *)&at, size) == 0 && listen(listener, 1) == 0, "listen");
    must(getsockname(listener, (void *)&at, &size) == 0 && connect(client, (void *)&at, size) == 0, "connect");
    int served = accept(listener, NULL, NULL);
    ping((struct end){ client, client, rounds, epolls ? with_epoll(client) : -1 },
         (struct end){ served, served, rounds, epolls ? with_epoll(served) : -1 });
}

static int outside(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int client = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    must(connect(client, (void *)&at, sizeof(at)) == 0, "connect");
    must(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
    return client;
}

// The server sent all of it before: a receive that has something to take.
static void receive(int rounds, int port)
{
    int fd = outside(port);
    char byte;
    must(write(fd, "s", 1) == 1, "write");
    sleep(1);
    for (int i = 0; i < rounds; i++)
        must(recv(fd, &byte, 1, 0) == 1, "recv");
}

static void echoed(int rounds, int port, int epolls)
{
    int fd = outside(port), epoll = epolls ? with_epoll(fd) : -1;
    char byte = 'x';
    for (int i = 0; i < rounds; i++) {
        must(write(fd, &byte, 1) == 1, "write");
        await(&(struct end){ .epoll = epoll });
        must(read(fd, &byte, 1) == 1, "read");
    }
}

static void *wait_in_read(void *fd) { return (void *)read(*(int *)fd, &(char){ 0 }, 1); }

static void *wait_in_accept(void *unused)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(listener, (void *)&at, sizeof(at)) == 0 && listen(listener, 1) == 0, "listen");
    struct end end = { .epoll = with_epoll(listener) };
    await(&end);
    return unused;
}

static void idle(void)
{
    static int p[2];
    pthread_t thread;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    must(pipe(p) == 0, "pipe");
    for (int i = 0; i < 2; i++)
        must(pthread_create(&thread, NULL, wait_in_read, p) == 0 &&
                 pthread_create(&thread, NULL, wait_in_accept, NULL) == 0,
             "thread");
    sleep(1);
    puts("all wait");
    fflush(stdout);
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}

int main(int argc, char **argv)
{
    static int word;
    const char *kind = argv[1];
    int rounds = atoi(argv[2]), port = argc > 3 ? atoi(argv[3]) : 0;
    if (!strcmp(kind, "wake"))
        for (int i = 0; i < rounds; i++)
            syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    else if (!strcmp(kind, "pipe"))
        pipes(rounds);
    else if (!strcmp(kind, "unix"))
        unix_pair(rounds);
    else if (!strcmp(kind, "tcp") || !strcmp(kind, "epoll"))
        tcp(rounds, kind[0] == 'e');
    else if (!strcmp(kind, "idle"))
        idle();
    else if (!strcmp(kind, "recv"))
        receive(rounds, port);
    else if (!strcmp(kind, "echo") || !strcmp(kind, "polled"))
        echoed(rounds, port, kind[0] == 'p');
    return 0;
}
