// SPDX-License-Identifier: BSD-3-Clause
// What the programs of cases share: each line says what a call answered, the same on Linux and inside.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) (errno = 0, show(#call, (long)(call)))
#define BAD ((void *)-1L)

static inline long show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
    return result;
}

static inline struct sockaddr *as_name(void *name) { return name; }

static inline struct sockaddr_in four(uint32_t address, int port)
{
    return (struct sockaddr_in){ AF_INET, htons((uint16_t)port), { htonl(address) }, { 0 } };
}

// A socket bound to a free port of 127.0.0.1.
static inline int bound(int type)
{
    struct sockaddr_in name = four(INADDR_LOOPBACK, 0);
    int fd = socket(AF_INET, type, 0);
    if (bind(fd, as_name(&name), sizeof(name)))
        perror("bind");
    return fd;
}

static inline struct sockaddr_in name_of(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t size = sizeof(name);
    getsockname(fd, as_name(&name), &size);
    return name;
}

static inline int connect_to(int fd, struct sockaddr_in name) { return connect(fd, as_name(&name), sizeof(name)); }
static inline int connect_with(int fd, int other) { return connect_to(fd, name_of(other)); }

// A listener, a client and what the listener accepted.
static inline void connected(int fds[3])
{
    fds[0] = bound(SOCK_STREAM);
    listen(fds[0], 5);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    connect_with(fds[1], fds[0]);
    fds[2] = accept(fds[0], NULL, NULL);
}

static inline void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

static inline int number_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, level, name, &value, &size) ? -1 : value;
}

static inline int set_number(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

// What poll says within 2 seconds of what is asked for, or now.
static inline void show_poll(const char *what, int fd, short events, int timeout)
{
    struct pollfd p = { fd, events, 0 };
    int n = poll(&p, 1, timeout);
    printf("%s: poll %d %#x\n", what, n, (unsigned)p.revents);
}

static inline void section(const char *name) { printf("--- %s\n", name); }
