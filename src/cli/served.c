// SPDX-License-Identifier: BSD-3-Clause
#include "cli/served.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"

int served_connect(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SERVE_SOCKET };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int err = -errno;
    if (fd >= 0)
        close(fd);
    return err;
}

int served_connect_or_say(void)
{
    int fd = served_connect();

    if (fd >= 0)
        return fd;
    if (fd == -ENOENT || fd == -ECONNREFUSED)
        cli_error("no enclave of this instance runs. Start it: occlum start");
    else if (fd == -EACCES || fd == -EPERM)
        cli_error("the enclave belongs to another user, who alone may use it (%s)", SERVE_SOCKET);
    else
        cli_error("%s: %s", SERVE_SOCKET, strerror(-fd));
    return -1;
}

int served_send(int fd, struct serve_packet packet, const int *fds, size_t n)
{
    enum { MOST = 4 };
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(MOST * sizeof(int))];
    } control = { 0 };
    struct iovec piece = { &packet, sizeof(packet) };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

    packet.protocol = SERVE_PROTOCOL;
    if (n) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(n * sizeof(int));
        control.header = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
    }
    while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int served_receive(int fd, struct serve_packet *ret_packet)
{
    for (;;) {
        ssize_t n = recv(fd, ret_packet, sizeof(*ret_packet), 0);
        // A server that closes with something of ours unread says so first; what it sent still comes.
        if (n < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (n != (ssize_t)sizeof(*ret_packet))
            return -1;
        if (ret_packet->kind != SERVE_DENIED)
            return 0;
        cli_error("%.*s", (int)sizeof(ret_packet->name) - 1, ret_packet->name);
        return -1;
    }
}
