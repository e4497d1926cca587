// SPDX-License-Identifier: BSD-3-Clause
// shutdown(2) of a datagram socket without a peer: ENOTCONN, and it is shut all the same. Who waits to receive hears
// the end at once.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_alarm(int signo) {}

static void answer(const char *what, long result)
{
    printf("%s: %ld, errno %d\n", what, result, result < 0 ? errno : 0);
}

static void shut(int how, int bound)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
    char byte;

    printf("--- how %d, %s\n", how, bound ? "bound" : "not bound");
    if (bound)
        answer("bind", bind(fd, (struct sockaddr *)&here, sizeof(here)));
    answer("shutdown", shutdown(fd, how));
    answer("poll", poll(&one, 1, 0));
    printf("events %#x\n", one.revents);
    alarm(how == SHUT_WR ? 1 : 60); // such a one waits
    answer("recv", recv(fd, &byte, 1, 0));
    alarm(0);
    answer("recv that does not wait", recv(fd, &byte, 1, MSG_DONTWAIT));
    close(fd);
}

int main(void)
{
    struct sigaction action = { .sa_handler = on_alarm };

    sigaction(SIGALRM, &action, NULL);
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
        for (int bound = 0; bound < 2; bound++)
            shut(how, bound);
    return 0;
}
