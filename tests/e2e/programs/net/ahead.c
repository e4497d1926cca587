// SPDX-License-Identifier: BSD-3-Clause
// Streams whose data are waited for before they are received, which is when the library OS may have them before it is
// asked (libos/fs/ahead.h).
#include "cases.h"

static char text[128];

static void wait_for(int fd) { show_poll("something", fd, POLLIN, 2000); }

static long left(int fd)
{
    int n = -1;
    return ioctl(fd, FIONREAD, &n) ? -1 : n;
}

// Without delays of small pieces.
static void connected_at_once(int fds[3])
{
    connected(fds);
    set_number(fds[1], IPPROTO_TCP, TCP_NODELAY, 1);
    set_number(fds[2], IPPROTO_TCP, TCP_NODELAY, 1);
}

// The first receive of a connection, and one with an answer in between.
static void parts(void)
{
    int fds[3];
    section("parts");
    connected_at_once(fds);
    for (int round = 0; round < 3; round++) {
        SHOW(send(fds[1], "abcdef", 6, 0));
        wait_for(fds[2]);
        SHOW(left(fds[2]));
        SHOW(recv(fds[2], text, 2, 0));
        SHOW(left(fds[2]));
        SHOW(recv(fds[2], text, 100, MSG_PEEK));
        SHOW(send(fds[1], "ghi", 3, 0));
        usleep(20000);
        SHOW(left(fds[2]));
        SHOW(recv(fds[2], text, 100, MSG_PEEK));
        printf("%.7s\n", text);
        struct iovec two[2] = { { text, 3 }, { text + 50, 50 } };
        SHOW(readv(fds[2], two, 2));
        printf("%.3s %.4s\n", text, text + 50);
        SHOW(recv(fds[2], text, 100, MSG_DONTWAIT));
        show_poll("nothing", fds[2], POLLIN, 0);
        SHOW(send(fds[2], "answer", 6, 0));
        wait_for(fds[1]);
        SHOW(recv(fds[1], text, 100, 0));
    }
    close_all(fds, 3);
}

static void at_the_end(void)
{
    int fds[3];
    section("ends");
    connected_at_once(fds);
    SHOW(send(fds[1], "abc", 3, 0));
    SHOW(shutdown(fds[1], SHUT_WR));
    usleep(20000);
    show_poll("data and the end", fds[2], POLLIN | POLLRDHUP, 2000);
    SHOW(recv(fds[2], text, 2, 0));
    show_poll("some is left", fds[2], POLLIN | POLLRDHUP, 0);
    SHOW(recv(fds[2], text, 100, 0));
    show_poll("only the end", fds[2], POLLIN | POLLRDHUP, 0);
    SHOW(recv(fds[2], text, 100, 0));
    SHOW(recv(fds[2], text, 100, 0));
    close_all(fds, 3);

    connected_at_once(fds);
    SHOW(send(fds[1], "abc", 3, 0));
    wait_for(fds[2]);
    close(fds[2]); // unread: the other end is reset
    usleep(20000);
    SHOW(recv(fds[1], text, 100, 0));
    close(fds[0]), close(fds[1]);

    connected_at_once(fds);
    struct linger at_once = { 1, 0 };
    SHOW(send(fds[1], "abc", 3, 0));
    wait_for(fds[2]);
    setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fds[1]);
    usleep(20000);
    SHOW(recv(fds[2], text, 100, 0));
    SHOW(recv(fds[2], text, 100, 0));
    SHOW(recv(fds[2], text, 100, 0));
    close(fds[0]), close(fds[2]);

    connected_at_once(fds);
    SHOW(send(fds[1], "abc", 3, 0));
    wait_for(fds[2]);
    SHOW(shutdown(fds[2], SHUT_RD));
    SHOW(recv(fds[2], text, 100, 0));
    SHOW(recv(fds[2], text, 100, 0));
    close_all(fds, 3);
}

static void edges(void)
{
    int fds[3], epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    section("edges");
    connected_at_once(fds);
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[2], &event));
    for (int round = 0; round < 2; round++) {
        SHOW(send(fds[1], "abcd", 4, 0));
        SHOW(epoll_wait(epoll, &event, 1, 2000));
        SHOW(epoll_wait(epoll, &event, 1, 0));
        SHOW(recv(fds[2], text, 2, 0));
        SHOW(epoll_wait(epoll, &event, 1, 0));
        SHOW(send(fds[1], "ef", 2, 0));
        SHOW(epoll_wait(epoll, &event, 1, 2000));
        SHOW(recv(fds[2], text, 100, 0));
        SHOW(send(fds[2], "x", 1, 0));
    }
    close_all(fds, 3);
    close(epoll);
}

static void choices(void)
{
    int fds[3], mark = -1, p[2];
    section("choices");
    connected_at_once(fds);
    SHOW(send(fds[1], "ab", 2, 0));
    wait_for(fds[2]);
    SHOW(send(fds[1], "cd!", 3, MSG_OOB));
    usleep(20000);
    SHOW(ioctl(fds[2], SIOCATMARK, &mark));
    printf("mark %d\n", mark);
    SHOW(recv(fds[2], text, 2, 0));
    SHOW(recv(fds[2], text, 100, 0));
    SHOW(recv(fds[2], text, 1, MSG_OOB));
    close_all(fds, 3);

    connected_at_once(fds);
    SHOW(pipe(p));
    SHOW(send(fds[1], "spliced", 7, 0));
    wait_for(fds[2]);
    SHOW(splice(fds[2], NULL, p[1], NULL, 100, 0));
    SHOW(read(p[0], text, 100));
    SHOW(number_option(fds[2], SOL_SOCKET, SO_ERROR));
    close_all(fds, 3);
    close(p[0]), close(p[1]);
}

enum { TOTAL = 3000000 };

static void *send_all(void *fd)
{
    static unsigned char bytes[40000];
    unsigned seed = 5, value = 0;
    for (size_t done = 0; done < TOTAL;) {
        size_t n = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) % 8 ? 300 : sizeof(bytes));
        n = n < TOTAL - done ? n : TOTAL - done;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(value++ % 251);
        done += n;
        if (send(*(int *)fd, bytes, n, 0) != (ssize_t)n)
            break;
    }
    shutdown(*(int *)fd, SHUT_WR);
    return NULL;
}

static struct {
    pthread_mutex_t lock;
    unsigned value, wrong;
    size_t done;
    int fd;
} taken = { .lock = PTHREAD_MUTEX_INITIALIZER };

// One of several threads that receive of one connection, each in its own way. The order of bytes must hold.
static void *receive_some(void *argument)
{
    unsigned char bytes[20000];
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (ssize_t n = 1; n;) {
        struct pollfd p = { taken.fd, POLLIN, 0 };
        if (rand_r(&seed) % 3)
            poll(&p, 1, 100);
        pthread_mutex_lock(&taken.lock);
        size_t most = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) % 4 ? 400 : sizeof(bytes));
        if (rand_r(&seed) % 8 == 0)
            recv(taken.fd, bytes, most, MSG_DONTWAIT | MSG_PEEK);
        n = recv(taken.fd, bytes, most, rand_r(&seed) % 2 ? MSG_DONTWAIT : 0);
        for (ssize_t i = 0; i < n; i++)
            taken.wrong += bytes[i] != taken.value++ % 251;
        taken.done += n > 0 ? (size_t)n : 0;
        pthread_mutex_unlock(&taken.lock);
        if (rand_r(&seed) % 16 == 0)
            send(taken.fd, "x", 1, MSG_DONTWAIT);
    }
    return NULL;
}

static void in_order(void)
{
    pthread_t threads[4];
    int fds[3];
    section("the order of bytes");
    connected_at_once(fds);
    taken.fd = fds[2];
    pthread_create(&threads[0], NULL, send_all, &fds[1]);
    for (uintptr_t i = 1; i < 4; i++)
        pthread_create(&threads[i], NULL, receive_some, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("%zu bytes, %u wrong\n", taken.done, taken.wrong);
    close_all(fds, 3);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    parts();
    at_the_end();
    edges();
    choices();
    in_order();
    return 0;
}
