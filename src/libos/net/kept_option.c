// SPDX-License-Identifier: BSD-3-Clause
// Options of SOL_SOCKET that mean nothing to a family, but are kept and told back, as Linux does for all sockets.
#include "base/string.h"
#include "libos/net/socket.h"
#include "libos/thread/cred.h"

static const struct {
    int option, initial;
    bool boolean;
} kept[] = {
    { SO_REUSEADDR, 0, true },       { SO_DONTROUTE, 0, true }, { SO_BROADCAST, 0, true },
    { SO_KEEPALIVE, 0, true },       { SO_OOBINLINE, 0, true }, { SO_TIMESTAMP_OLD, 0, true },
    { SO_TIMESTAMPNS_OLD, 0, true }, { SO_RXQ_OVFL, 0, true },  { SO_NO_CHECK, 0, true },
    { SO_PRIORITY, 0, false },       { SO_RCVLOWAT, 1, false }, { SO_MARK, 0, false },
    { SO_BUSY_POLL, 0, false },
};
static_assert(ARRAY_SIZE(kept) == SOCKET_KEPT);

static int find(int option)
{
    for (int i = 0; i < SOCKET_KEPT; i++)
        if (kept[i].option == option)
            return i;
    return -1;
}

bool kept_option_get(struct socket *socket, int option, void *value, u32 *size)
{
    int i = find(option), number = 1;

    if (option == SO_LINGER) {
        struct linger linger = { READ_ONCE(socket->linger.on), READ_ONCE(socket->linger.seconds) };
        *size = MIN(*size, (u32)sizeof(linger));
        memcpy(value, &linger, *size);
        return true;
    }
    if (i < 0 && option != SO_SNDLOWAT)
        return false;
    if (i >= 0)
        number = READ_ONCE(socket->kept[i]) ^ kept[i].initial;
    *size = MIN(*size, (u32)sizeof(number));
    memcpy(value, &number, *size);
    return true;
}

bool kept_option_set(struct socket *socket, int option, const void *value, u32 size, int *ret_err)
{
    int i = find(option), number;

    *ret_err = -EINVAL;
    if (option == SO_LINGER) {
        struct linger linger;
        if (size < sizeof(linger))
            return true;
        memcpy(&linger, value, sizeof(linger));
        WRITE_ONCE(socket->linger.on, linger.on != 0);
        WRITE_ONCE(socket->linger.seconds, linger.on ? linger.seconds : socket->linger.seconds);
        *ret_err = 0;
        return true;
    }
    if (i < 0)
        return false;
    if (size < sizeof(number))
        return true;
    memcpy(&number, value, sizeof(number));
    if (option == SO_PRIORITY && (number < 0 || number > 6) && !capable(CAP_NET_ADMIN))
        *ret_err = -EPERM;
    else if (option == SO_RCVLOWAT && number < 0)
        WRITE_ONCE(socket->kept[i], INT32_MAX ^ kept[i].initial), *ret_err = 0;
    else {
        if (kept[i].boolean)
            number = number != 0;
        if (option == SO_RCVLOWAT && !number)
            number = 1;
        WRITE_ONCE(socket->kept[i], number ^ kept[i].initial); // 0 of a new socket: the initial value
        *ret_err = 0;
    }
    return true;
}
