// SPDX-License-Identifier: BSD-3-Clause
// AF_NETLINK, NETLINK_ROUTE: who asks for interfaces, addresses, routes or neighbours gets what the host says of them
// (route.h), as messages that wait in the socket. Nothing can be changed, and nobody is told of changes.
#include "base/string.h"
#include "libos/fs/byteq.h"
#include "libos/mem/heap.h"
#include "libos/net/interface.h"
#include "libos/net/route.h"
#include "libos/net/socket.h"
#include "libos/sync/mutex.h"
#include "libos/sync/wait.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

// Bytes of messages that are read at once: readers have buffers of a page, and Linux fills less.
enum { PACK = 3776, BUFFER_SIZE = 212992 };

struct netlink_socket {
    struct socket socket;
    struct mutex lock; // what follows
    struct byteq in;   // packets of messages
    struct piece *filling;
    u32 port, groups;
    int receive_size, send_size;
    struct wait_queue readable;
};

static struct netlink_socket *netlink_of(struct socket *socket)
{
    return container_of(socket, struct netlink_socket, socket);
}

// --- answers

// Puts what was gathered into the queue. lock held.
static void flush(struct netlink_socket *socket)
{
    if (socket->filling)
        byteq_push(&socket->in, socket->filling);
    socket->filling = NULL;
}

// Adds a message to the answer: with the asker's number and port.
static void add(struct netlink_socket *socket, const struct nlmsghdr *message, u32 sequence)
{
    size_t size = ALIGN_UP((size_t)message->nlmsg_len, 4ul);
    bool ends = message->nlmsg_type == NLMSG_DONE; // alone, as on Linux

    mutex_lock(&socket->lock);
    if (socket->filling && (socket->filling->room - socket->filling->end < size || ends))
        flush(socket);
    if (!socket->filling && (socket->filling = piece_new(MAX(size, (size_t)PACK))))
        socket->filling->packet = true;
    if (socket->filling) {
        struct nlmsghdr *copy = (struct nlmsghdr *)(void *)(socket->filling->data + socket->filling->end);
        memset(copy, 0, size);
        memcpy(copy, message, message->nlmsg_len);
        copy->nlmsg_seq = sequence;
        copy->nlmsg_pid = socket->port;
        socket->filling->end += (u32)size;
    }
    mutex_unlock(&socket->lock);
}

struct answer {
    struct netlink_socket *socket;
    const struct nlmsghdr *request;
    bool ended;
};

static void take_message(const struct nlmsghdr *message, void *arg)
{
    struct answer *answer = arg;
    answer->ended |= message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
    add(answer->socket, message, answer->request->nlmsg_seq);
}

// NLMSG_ERROR; error 0 is an acknowledgement.
static void add_error(struct netlink_socket *socket, const struct nlmsghdr *request, int error)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } reply = { { .nlmsg_len = sizeof(reply), .nlmsg_type = NLMSG_ERROR }, { error, *request } };
    add(socket, &reply.header, request->nlmsg_seq);
}

static bool asks(u16 type)
{
    return type == RTM_GETLINK || type == RTM_GETADDR || type == RTM_GETROUTE || type == RTM_GETNEIGH;
}

// An old form of a dump says only the family.
static void serve(struct netlink_socket *socket, const struct nlmsghdr *request)
{
    struct answer answer = { socket, request, false };
    bool dump = request->nlmsg_flags & NLM_F_DUMP;
    union {
        struct nlmsghdr header;
        u8 bytes[ROUTE_REQUEST_MAX];
    } own = { 0 };
    long err = 0;

    if (request->nlmsg_type < RTM_BASE) // NLMSG_NOOP and the like
        return;
    if (!asks(request->nlmsg_type))
        err = request->nlmsg_type < RTM_MAX ? -EPERM : -EOPNOTSUPP;
    if (!err) {
        size_t least = sizeof(*request) + route_body_size(request->nlmsg_type);
        memcpy(&own, request, MIN((size_t)request->nlmsg_len, sizeof(own)));
        own.header.nlmsg_len = MAX(request->nlmsg_len, (u32)least);
        own.header.nlmsg_flags |= NLM_F_REQUEST;
        own.header.nlmsg_pid = 0;
        err = route_is_sound(&own.header, sizeof(own)) ? route_ask(&own.header, take_message, &answer) : -EINVAL;
    }
    if (err || (!dump && !answer.ended && (request->nlmsg_flags & NLM_F_ACK)))
        add_error(socket, request, (int)err);
}

static u32 choose_port(void)
{
    static u32 last;
    return fs_current_pid() + (__atomic_fetch_add(&last, 1, __ATOMIC_RELAXED) << 22);
}

static void bind_to_any(struct netlink_socket *socket)
{
    u32 port = choose_port();
    mutex_lock(&socket->lock);
    if (!socket->port)
        socket->port = port;
    mutex_unlock(&socket->lock);
}

static int check_name(const struct net_name *name, struct sockaddr_nl *ret_name)
{
    if (name->size < sizeof(*ret_name))
        return -EINVAL;
    memcpy(ret_name, name->bytes, sizeof(*ret_name));
    return ret_name->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

// All requests of a message, of which there is mostly one.
static void serve_all(struct netlink_socket *socket, const u8 *data, size_t size)
{
    while (size >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *request = (const struct nlmsghdr *)(const void *)data;
        if (request->nlmsg_len < sizeof(*request) || request->nlmsg_len > size)
            break;
        if (request->nlmsg_flags & NLM_F_REQUEST)
            serve(socket, request);
        size_t step = MIN(ALIGN_UP((size_t)request->nlmsg_len, 4ul), size);
        data += step;
        size -= step;
    }
    mutex_lock(&socket->lock);
    flush(socket);
    mutex_unlock(&socket->lock);
    wake_up_all(&socket->readable);
}

static long netlink_send(struct socket *base, struct message *message)
{
    struct netlink_socket *socket = netlink_of(base);
    size_t size = message->uio->left;
    struct sockaddr_nl to;
    u8 data[ROUTE_REQUEST_MAX] __attribute__((aligned(8)));

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    long err = message->name.size ? check_name(&message->name, &to) : 0;
    if (!err && message->name.size && to.nl_pid) // only the kernel listens
        err = -ECONNREFUSED;
    if (!err && size > sizeof(data))
        err = -EMSGSIZE;
    if (!err && size)
        err = uio_take(message->uio, data, size);
    if (err)
        return err;
    bind_to_any(socket);
    serve_all(socket, data, size);
    return (long)size;
}

// --- receiving

static bool has_messages(struct netlink_socket *socket) { return READ_ONCE(socket->in.packets); }

static long deliver(struct message *message, struct span *span)
{
    const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    size_t size = span->size;
    long n = size ? uio_put(message->uio, span->data, size) : 0;

    if (!n) {
        message->name = (struct net_name){ .size = sizeof(kernel) };
        memcpy(message->name.bytes, &kernel, sizeof(kernel));
        message->came_flags |= span->cut ? MSG_TRUNC : 0;
        n = (long)(size + (message->flags & MSG_TRUNC ? span->cut : 0));
    }
    span_done(span);
    return n;
}

static long netlink_receive(struct socket *base, struct message *message)
{
    struct netlink_socket *socket = netlink_of(base);
    s64 timeout = READ_ONCE(base->receive_timeout), deadline = socket_deadline(timeout);
    struct span span;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    for (;;) {
        size_t most = message->uio->left;
        mutex_lock(&socket->lock);
        bool some =
            message->flags & MSG_PEEK ? byteq_peek(&socket->in, 0, most, &span) : byteq_take(&socket->in, most, &span);
        mutex_unlock(&socket->lock);
        if (some)
            return deliver(message, &span);
        if (message->flags & MSG_DONTWAIT)
            return -EAGAIN;
        int err = wait_event(&socket->readable, has_messages(socket), deadline);
        if (err)
            return socket_wait_error(err, timeout);
    }
}

// --- the rest

static int netlink_bind(struct socket *base, const struct net_name *name)
{
    struct netlink_socket *socket = netlink_of(base);
    struct sockaddr_nl wanted;
    int err = check_name(name, &wanted);

    if (err)
        return err;
    mutex_lock(&socket->lock);
    if (socket->port && wanted.nl_pid && wanted.nl_pid != socket->port)
        err = -EINVAL;
    else if (wanted.nl_pid)
        socket->port = wanted.nl_pid;
    if (!err)
        socket->groups = wanted.nl_groups;
    mutex_unlock(&socket->lock);
    if (!err)
        bind_to_any(socket);
    return err;
}

static int netlink_connect(struct socket *base, const struct net_name *name, bool nonblock)
{
    struct sockaddr_nl to;
    int err = name->size >= 2 && name->family == AF_UNSPEC ? 0 : check_name(name, &to);
    if (!err)
        bind_to_any(netlink_of(base));
    return err;
}

static int netlink_name(struct socket *base, bool of_peer, struct net_name *ret_name)
{
    struct netlink_socket *socket = netlink_of(base);
    struct sockaddr_nl name = { .nl_family = AF_NETLINK };

    mutex_lock(&socket->lock);
    name.nl_pid = of_peer ? 0 : socket->port;
    name.nl_groups = of_peer ? 0 : socket->groups;
    mutex_unlock(&socket->lock);
    *ret_name = (struct net_name){ .size = sizeof(name) };
    memcpy(ret_name->bytes, &name, sizeof(name));
    return 0;
}

static int netlink_get_option(struct socket *base, int level, int option, void *value, u32 *size)
{
    struct netlink_socket *socket = netlink_of(base);
    int number = 0;

    if (level != SOL_SOCKET)
        return -ENOPROTOOPT;
    if (kept_option_get(base, option, value, size))
        return 0;
    if (option == SO_RCVBUF || option == SO_SNDBUF)
        number = option == SO_RCVBUF ? READ_ONCE(socket->receive_size) : READ_ONCE(socket->send_size);
    else if (option != SO_ERROR && option != SO_ACCEPTCONN && option != SO_PASSCRED)
        return -ENOPROTOOPT;
    *size = MIN(*size, (u32)sizeof(number));
    memcpy(value, &number, *size);
    return 0;
}

// Options of netlink say what is told besides; nothing is.
static int netlink_set_option(struct socket *base, int level, int option, const void *value, u32 size)
{
    struct netlink_socket *socket = netlink_of(base);
    int number;

    if (level != SOL_SOCKET && level != 270) // SOL_NETLINK
        return -ENOPROTOOPT;
    int err;
    if (level == SOL_SOCKET && kept_option_set(base, option, value, size, &err))
        return err;
    if (size < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    int twice = MIN(MAX(number, 2304), BUFFER_SIZE) * 2;
    if (level == SOL_SOCKET && (option == SO_RCVBUF || option == SO_RCVBUFFORCE))
        WRITE_ONCE(socket->receive_size, twice);
    if (level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_SNDBUFFORCE))
        WRITE_ONCE(socket->send_size, twice);
    return 0;
}

static u32 netlink_poll(struct socket *base, struct poll_table *table)
{
    struct netlink_socket *socket = netlink_of(base);
    poll_wait(table, &socket->readable);
    return (has_messages(socket) ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM;
}

static long netlink_ioctl(struct socket *base, u32 command, u64 argument)
{
    return interface_asks(AF_NETLINK, command) ? interface_ioctl(-1, command, argument) : -ENOTTY;
}

static void netlink_release(struct socket *base)
{
    struct netlink_socket *socket = netlink_of(base);
    byteq_clear(&socket->in);
    piece_put(socket->filling);
    kfree(socket);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .name = netlink_name,
    .send = netlink_send,
    .receive = netlink_receive,
    .get_option = netlink_get_option,
    .set_option = netlink_set_option,
    .poll = netlink_poll,
    .ioctl = netlink_ioctl,
    .release = netlink_release,
};

int netlink_create(int type, int protocol, struct socket **ret_socket)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE)
        return -EPROTONOSUPPORT;
    struct netlink_socket *socket = kzalloc(sizeof(*socket));
    if (!socket)
        return -ENOMEM;
    socket->socket = (struct socket){ .ops = &netlink_ops, .family = AF_NETLINK, .type = type, .protocol = protocol };
    mutex_init(&socket->lock, LOCK_NETLINK);
    byteq_init(&socket->in);
    socket->receive_size = socket->send_size = BUFFER_SIZE;
    wait_queue_init(&socket->readable);
    *ret_socket = &socket->socket;
    return 0;
}
