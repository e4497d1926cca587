// SPDX-License-Identifier: BSD-3-Clause
// Asks for sockets of every family.
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    int pair[2], other = 0;
    for (int family = 0; family < AF_MAX; family++) {
        other += socket(family, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT;
        other += socketpair(family, SOCK_STREAM, 0, pair) != -1 || errno != EAFNOSUPPORT;
    }
    puts(other ? "something else" : "EAFNOSUPPORT for all");
    return 0;
}
