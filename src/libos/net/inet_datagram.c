// SPDX-License-Identifier: BSD-3-Clause
// Datagrams inside, udp(7). What goes to an address of this machine at which another socket of the enclave is bound is
// put into that socket's queue here; the host sees nothing of it. The host's socket holds the port, and brings what
// comes from outside. A socket that is not known here, because the host chose its port, hears all through the host.
#include "base/string.h"
#include "libos/net/inet.h"

enum { BUCKETS = 64, PACKET_COST = 512, DATAGRAM_MOST = 65507 };

// What stands before the bytes of a datagram in a queue.
struct heading {
    struct endpoint from;
};

static struct mutex bound_lock = MUTEX_INIT(LOCK_LISTENERS); // every struct inet_bound, and the table
static struct list_head buckets[BUCKETS];                    // by port

static struct list_head *bucket_of(u16 port)
{
    struct list_head *bucket = &buckets[(port >> 8 ^ port) % BUCKETS];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

// --- who is bound where

// An integer option of the host's socket that changes who hears what. What the host makes of it is its word.
static bool host_says(struct inet_socket *socket, int level, int option)
{
    int value = 0;
    return hostsock_get_option(socket->fd, level, option, &value, sizeof(value)) == sizeof(value) && value;
}

int inet_datagram_bound(struct inet_socket *socket)
{
    struct host_address own;

    if (!inet_loopback_on())
        return 0;
    int err = hostsock_name(socket->fd, socket->socket.family, false, &own);
    if (err)
        return err;
    bool only_six = socket->socket.family == AF_INET6 && host_says(socket, IPPROTO_IPV6, IPV6_V6ONLY);
    bool shares = host_says(socket, SOL_SOCKET, SO_REUSEPORT);
    struct inet_bound *bound = &socket->bound;
    mutex_lock(&bound_lock);
    list_del(&bound->link);
    bound->own = endpoint_of(&own);
    bound->only_six = only_six;
    bound->shares_port = shares;
    if (bound->own.port)
        list_add(&bound->link, bucket_of(bound->own.port));
    mutex_unlock(&bound_lock);
    return 0;
}

void inet_datagram_connected(struct inet_socket *socket, const struct host_address *to)
{
    struct inet_bound *bound = &socket->bound;
    struct endpoint peer = to ? endpoint_of(to) : (struct endpoint){ 0 };

    endpoint_resolve_any(&peer);
    mutex_lock(&bound_lock);
    bool known = !list_empty(&bound->link);
    bound->connected = to;
    bound->peer = peer;
    mutex_unlock(&bound_lock);
    // Its own address may be another now. Who is not known and speaks to the outside need not become it.
    if ((known || (to && endpoint_is_loopback(&peer))) && inet_datagram_bound(socket))
        inet_datagram_forget(socket);
}

void inet_datagram_forget(struct inet_socket *socket)
{
    mutex_lock(&bound_lock);
    list_del(&socket->bound.link);
    mutex_unlock(&bound_lock);
}

bool inet_datagram_known(struct inet_socket *socket)
{
    mutex_lock(&bound_lock);
    bool known = !list_empty(&socket->bound.link);
    mutex_unlock(&bound_lock);
    return known;
}

void inet_datagram_outside(struct inet_socket *socket, bool sends, bool hears)
{
    mutex_lock(&bound_lock);
    socket->bound.sends_outside |= sends;
    socket->bound.hears_outside |= hears;
    mutex_unlock(&bound_lock);
}

// How well a bound socket fits, as Linux weighs it: connected to the sender before bound to the very address before
// bound to any; 0: not at all. bound_lock held.
static int score(const struct inet_bound *bound, const struct endpoint *to, const struct endpoint *from)
{
    if (!endpoint_hears(&bound->own, bound->only_six, to))
        return 0;
    int points = endpoint_is_any(&bound->own) ? 1 : 2;
    if (!bound->connected)
        return points;
    bool from_peer = bound->peer.port == from->port && endpoint_same_address(&bound->peer, from);
    return from_peer ? points + 4 : 0;
}

// Who hears a datagram, referenced; NULL: nobody here. Of equals the last that was bound, and of sockets that share a
// port one by the sender's.
static struct unix_socket *find(const struct endpoint *to, const struct endpoint *from)
{
    struct inet_bound *bound, *best = NULL;
    struct unix_socket *inner = NULL;
    u32 equals = 0;
    int most = 0;

    mutex_lock(&bound_lock);
    list_for_each (bound, bucket_of(to->port), link) {
        int points = score(bound, to, from);
        if (points > most) {
            most = points;
            best = bound;
            equals = 1;
        } else if (points && points == most && best->shares_port && bound->shares_port) {
            equals++;
            if ((from->port * 0x9e3779b1u >> 16) % equals == 0)
                best = bound;
        }
    }
    if (best && !best->hears_outside)
        inner = unix_ref(container_of(best, struct inet_socket, bound)->inner);
    mutex_unlock(&bound_lock);
    return inner;
}

static bool somebody_at(const struct endpoint *to)
{
    struct inet_bound *bound;
    bool found = false;

    mutex_lock(&bound_lock);
    list_for_each (bound, bucket_of(to->port), link)
        found |= endpoint_hears(&bound->own, bound->only_six, to);
    mutex_unlock(&bound_lock);
    return found;
}

// --- sending

// Where a message goes: false, if that is the host's to say.
static bool destination(struct inet_socket *socket, const struct host_address *to, struct endpoint *ret_to)
{
    struct inet_bound *bound = &socket->bound;

    mutex_lock(&bound_lock);
    *ret_to = to->size ? endpoint_of(to) : bound->peer;
    bool known = (to->size || bound->connected) && !bound->sends_outside;
    mutex_unlock(&bound_lock);
    endpoint_resolve_any(ret_to);
    return known && ret_to->port;
}

// The sender's own address for what it sends to `to`. A port is chosen by the host now, if it has none.
static bool source(struct inet_socket *socket, const struct endpoint *to, struct endpoint *ret_from)
{
    struct inet_bound *bound = &socket->bound;
    struct endpoint any = endpoint_of(&(struct host_address){ .size = 0 });

    if (!inet_datagram_known(socket)) {
        if (socket->socket.family == AF_INET)
            any = endpoint_of(&(struct host_address){ .size = sizeof(struct sockaddr_in) });
        struct host_address name = endpoint_name(&any, socket->socket.family);
        // Bound already, by a message to the outside: then this only tells where.
        int err = hostsock_bind(socket->fd, &name);
        if ((err && err != -EINVAL) || inet_datagram_bound(socket))
            return false;
    }
    mutex_lock(&bound_lock);
    *ret_from = bound->own;
    bool speaks_four = !bound->only_six;
    mutex_unlock(&bound_lock);
    if (!endpoint_is_any(ret_from))
        return ret_from->port && endpoint_is_four(ret_from) == endpoint_is_four(to);
    endpoint_set_source(ret_from, to);
    return ret_from->port && (!endpoint_is_four(to) || socket->socket.family == AF_INET || speaks_four);
}

static long put(struct unix_socket *receiver, struct piece *piece, size_t size)
{
    mutex_lock(&receiver->lock);
    // As on Linux, what does not fit is lost.
    bool fits = !receiver->closed && receiver->in.used + receiver->in.packets * PACKET_COST < receiver->receive_size;
    if (fits)
        byteq_push(&receiver->in, piece);
    mutex_unlock(&receiver->lock);
    if (fits)
        wake_up_all(&receiver->readable);
    else
        piece_put(piece);
    return (long)size;
}

bool inet_datagram_send(struct inet_socket *socket, struct message *message, const struct host_address *to_name,
                        long *ret_n)
{
    size_t size = message->uio->left;
    struct heading heading = { 0 };
    struct endpoint to;

    if (!inet_loopback_on() || (message->flags & (MSG_MORE | MSG_OOB)) || size > DATAGRAM_MOST)
        return false;
    if (!destination(socket, to_name, &to) || !somebody_at(&to) || !source(socket, &to, &heading.from))
        return false;
    struct unix_socket *receiver = find(&to, &heading.from);
    if (!receiver)
        return false;
    struct piece *piece = piece_new(sizeof(heading) + size);
    *ret_n = piece ? 0 : -ENOMEM;
    if (piece) {
        memcpy(piece->data, &heading, sizeof(heading));
        *ret_n = size ? uio_take(message->uio, piece->data + sizeof(heading), size) : 0;
        piece->end = (u32)(sizeof(heading) + size);
        piece->packet = true;
        if (*ret_n)
            piece_put(piece);
        else
            *ret_n = put(receiver, piece, size);
    }
    unix_put(receiver);
    return true;
}

// --- receiving

long inet_datagram_receive(struct inet_socket *socket, struct message *message)
{
    struct unix_socket *inner = socket->inner;
    size_t most = MIN(message->uio->left, (size_t)DATAGRAM_MOST) + sizeof(struct heading);
    struct heading heading;
    struct span span;

    if (!READ_ONCE(inner->in.packets))
        return -EAGAIN;
    mutex_lock(&inner->lock);
    bool some =
        message->flags & MSG_PEEK ? byteq_peek(&inner->in, 0, most, &span) : byteq_take(&inner->in, most, &span);
    mutex_unlock(&inner->lock);
    if (!some)
        return -EAGAIN;
    memcpy(&heading, span.data, sizeof(heading));
    size_t size = span.size - sizeof(heading);
    long n = size ? uio_put(message->uio, span.data + sizeof(heading), size) : 0;
    if (!n) {
        struct host_address from = endpoint_name(&heading.from, socket->socket.family);
        inet_name(&from, &message->name);
        message->came_flags |= span.cut ? MSG_TRUNC : 0;
        n = (long)(size + (message->flags & MSG_TRUNC ? span.cut : 0));
    }
    span_done(&span);
    return n;
}

bool inet_datagram_next_size(struct inet_socket *socket, u32 *ret_size)
{
    struct unix_socket *inner = socket->inner;

    mutex_lock(&inner->lock);
    struct piece *first = byteq_first(&inner->in);
    if (first)
        *ret_size = first->end - first->start - (u32)sizeof(struct heading);
    mutex_unlock(&inner->lock);
    return first;
}
