// SPDX-License-Identifier: BSD-3-Clause
// Connections inside. A stream that connects to an address of this machine at which another socket of the enclave
// listens is joined with it here: the host sees neither the connection nor a byte of it, and no exit is made for data.
// The listener's host socket stays, for clients from outside. The client's host socket holds its port.
#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"
#include "libos/net/inet.h"

static struct mutex listeners_lock = MUTEX_INIT(LOCK_LISTENERS);
static struct list_head listeners = LIST_INIT(listeners); // inet_socket.listening; guarded by listeners_lock
static bool on = true;

void inet_loopback_init(bool enabled) { on = enabled; }

// An address of either family as one of IPv6, and its port as the network has it.
struct place {
    u8 address[16];
    u16 port;
};

static struct place place_of(const struct host_address *address)
{
    struct place place = { .address = { [10] = 0xff, [11] = 0xff } };

    if (address->size == sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address->bytes;
        memcpy(place.address + 12, &four->sin_addr, 4);
        place.port = four->sin_port;
        return place;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address->bytes;
    memcpy(place.address, &six->sin6_addr, 16);
    place.port = six->sin6_port;
    return place;
}

static bool is_four(const struct place *place)
{
    static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
    return !memcmp(place->address, mapped, sizeof(mapped));
}

static bool is_any(const struct place *place)
{
    static const u8 zero[16];
    return is_four(place) ? !memcmp(place->address + 12, zero, 4) : !memcmp(place->address, zero, 16);
}

static bool is_loopback(const struct place *place)
{
    static const u8 one[16] = { [15] = 1 };
    return is_four(place) ? place->address[12] == 127 : !memcmp(place->address, one, 16);
}

static bool hears(const struct inet_socket *listener, const struct place *to)
{
    struct place at = place_of(&listener->inner->own);

    if (at.port != to->port)
        return false;
    if (!memcmp(at.address, to->address, sizeof(at.address)))
        return true;
    if (!is_any(&at) || !is_loopback(to))
        return false;
    // [::] hears IPv4 too, unless it was told not to.
    return is_four(&at) == is_four(to) || (!is_four(&at) && !listener->only_six);
}

int inet_loopback_listen(struct inet_socket *socket, int backlog)
{
    int value = 0;

    if (!on)
        return 0;
    int err = hostsock_name(socket->fd, socket->socket.family, false, &socket->inner->own);
    if (err)
        return err;
    if (socket->socket.family == AF_INET6 &&
        hostsock_get_option(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof(value)) > 0)
        socket->only_six = value;
    unix_stream_listen(socket->inner, backlog);
    mutex_lock(&listeners_lock);
    if (list_empty(&socket->listening))
        list_add(&socket->listening, &listeners);
    mutex_unlock(&listeners_lock);
    return 0;
}

void inet_loopback_forget(struct inet_socket *socket)
{
    mutex_lock(&listeners_lock);
    list_del(&socket->listening);
    mutex_unlock(&listeners_lock);
}

// The inside of a listener at the address, referenced, or NULL.
static struct unix_socket *find(const struct host_address *address)
{
    struct place to = place_of(address);
    struct inet_socket *listener;
    struct unix_socket *inner = NULL;

    mutex_lock(&listeners_lock);
    list_for_each (listener, &listeners, listening)
        if (hears(listener, &to)) {
            inner = unix_ref(listener->inner);
            break;
        }
    mutex_unlock(&listeners_lock);
    return inner;
}

// The client's own address: what it is bound to, or a port that the host chooses now.
static int own_address(struct inet_socket *socket, const struct host_address *to, struct host_address *ret_own)
{
    struct host_address wanted = *to;

    int err = hostsock_name(socket->fd, socket->socket.family, false, ret_own);
    if (err)
        return err;
    struct place own = place_of(ret_own);
    if (!own.port) {
        memset(wanted.bytes + offsetof(struct sockaddr_in, sin_port), 0, sizeof(own.port)); // at the same place in both
        err = hostsock_bind(socket->fd, &wanted);
        if (!err)
            err = hostsock_name(socket->fd, socket->socket.family, false, ret_own);
        own = place_of(ret_own);
    }
    if (!err && is_any(&own)) { // bound to a port only: it speaks from where it speaks to
        u8 port[2];
        size_t at = offsetof(struct sockaddr_in, sin_port);
        memcpy(port, ret_own->bytes + at, sizeof(port));
        *ret_own = *to;
        memcpy(ret_own->bytes + at, port, sizeof(port));
    }
    return err;
}

bool inet_loopback_connect(struct inet_socket *socket, const struct host_address *to)
{
    struct host_address own;

    if (!on || !socket->inner)
        return false;
    struct unix_socket *listener = find(to);
    if (!listener)
        return false;
    // What stands in the way of it inside, a full backlog say, is left to the host.
    bool joined = own_address(socket, to, &own) == 0;
    if (joined) {
        socket->inner->own = own;
        socket->inner->other = *to;
        joined = unix_stream_connect(socket->inner, listener) == 0;
    }
    if (joined) {
        __atomic_store_n(&socket->inside, true, __ATOMIC_RELEASE);
        hostpoll_close(&socket->poll); // what the host says of the socket that holds the port is no event
        wake_up_all(&socket->inner->readable);
        wake_up_all(&socket->inner->writable);
    }
    unix_put(listener);
    return joined;
}
