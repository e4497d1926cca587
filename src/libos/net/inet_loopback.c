// SPDX-License-Identifier: BSD-3-Clause
// Connections inside. A stream that connects to an address of this machine at which another socket of the enclave
// listens is joined with it here: the host sees neither the connection nor a byte of it, and no exit is made for data.
// The listener's host socket stays, for clients from outside. The client's host socket holds its port.
#include "libos/net/inet.h"

static struct mutex listeners_lock = MUTEX_INIT(LOCK_LISTENERS);
static struct list_head listeners = LIST_INIT(listeners); // inet_socket.listening; guarded by listeners_lock
static bool on = true;

void inet_loopback_init(bool enabled) { on = enabled; }
bool inet_loopback_on(void) { return on; }

static bool hears(const struct inet_socket *listener, const struct endpoint *to)
{
    mutex_assert_held(&listeners_lock);
    return endpoint_hears(&listener->hears, listener->only_six, to);
}

int inet_loopback_listen(struct inet_socket *socket, int backlog)
{
    struct host_address own;
    int only_six = 0;

    if (!on)
        return 0;
    int err = hostsock_name(socket->fd, socket->socket.family, false, &own);
    if (err)
        return err;
    if (socket->socket.family == AF_INET6 &&
        hostsock_get_option(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof(only_six)) <= 0)
        only_six = 0;
    unix_stream_listen(socket->inner, backlog);
    mutex_lock(&listeners_lock);
    socket->hears = endpoint_of(&own);
    socket->only_six = only_six;
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
    struct endpoint to = endpoint_of(address);
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
    struct endpoint there = endpoint_of(to), own;

    int err = hostsock_name(socket->fd, socket->socket.family, false, ret_own);
    if (err)
        return err;
    own = endpoint_of(ret_own);
    if (!own.port) {
        struct endpoint wanted = { 0 };
        endpoint_set_source(&wanted, &there);
        struct host_address name = endpoint_name(&wanted, socket->socket.family);
        err = hostsock_bind(socket->fd, &name);
        if (!err)
            err = hostsock_name(socket->fd, socket->socket.family, false, ret_own);
        own = endpoint_of(ret_own);
    }
    if (!err && endpoint_is_any(&own)) { // bound to a port only
        endpoint_set_source(&own, &there);
        *ret_own = endpoint_name(&own, socket->socket.family);
    }
    return err;
}

bool inet_loopback_connect(struct inet_socket *socket, const struct host_address *name)
{
    struct endpoint there = endpoint_of(name);
    struct host_address own;

    endpoint_resolve_any(&there);
    struct host_address to = endpoint_name(&there, socket->socket.family);
    if (!on || !socket->inner)
        return false;
    struct unix_socket *listener = find(&to);
    if (!listener)
        return false;
    // What stands in the way of it inside, a full backlog say, is left to the host.
    bool joined = own_address(socket, &to, &own) == 0 && unix_stream_connect(socket->inner, listener, &own, &to) == 0;
    if (joined) {
        __atomic_store_n(&socket->inside, true, __ATOMIC_RELEASE);
        hostpoll_close(&socket->poll); // what the host says of the socket that holds the port is no event
        wake_up_all(&socket->inner->readable);
        wake_up_all(&socket->inner->writable);
    }
    unix_put(listener);
    return joined;
}
