// SPDX-License-Identifier: BSD-3-Clause
// What comes along with a message: descriptors (SCM_RIGHTS) and credentials. A file in a message is in flight. Sockets
// that are referenced by messages in each other's queues only can never be received any more: they are found and freed.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/net/unix.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"

struct mutex unix_rights_lock = MUTEX_INIT(LOCK_UNIX_RIGHTS);
static struct list_head flying = LIST_INIT(flying); // unix_socket.flying of all sockets in flight; guarded by it

// --- making and freeing

static struct unix_extra *extra_alloc(u32 file_count)
{
    struct unix_extra *extra = kzalloc(sizeof(*extra) + file_count * sizeof(extra->files[0]));
    if (extra)
        list_init(&extra->dead);
    return extra;
}

static void free_now(struct unix_extra *extra)
{
    for (u32 i = 0; i < extra->file_count; i++)
        file_unref(extra->files[i]);
    unix_name_put(extra->from);
    kfree(extra);
}

// A file that goes may be a socket with messages that carry sockets, and so on: not by recursion.
void unix_extra_free(struct unix_extra *extra)
{
    static struct spinlock lock = SPINLOCK_INIT(LOCK_UNIX_DEAD);
    static struct list_head dead = LIST_INIT(dead);
    static bool busy; // somebody frees what is on the list

    if (!extra)
        return;
    spin_lock(&lock);
    list_add_tail(&extra->dead, &dead);
    bool mine = !busy;
    busy = true;
    while (mine && !list_empty(&dead)) {
        struct unix_extra *next = list_first(&dead, struct unix_extra, dead);
        list_del(&next->dead);
        spin_unlock(&lock);
        free_now(next);
        spin_lock(&lock);
    }
    if (mine)
        busy = false;
    spin_unlock(&lock);
}

struct unix_extra *unix_extra_copy(const struct unix_extra *extra)
{
    struct unix_extra *copy = extra ? extra_alloc(extra->file_count) : NULL;
    if (!copy)
        return NULL;
    copy->from = extra->from ? unix_name_ref(extra->from) : NULL;
    copy->has_credentials = extra->has_credentials;
    copy->credentials = extra->credentials;
    copy->file_count = extra->file_count;
    for (u32 i = 0; i < extra->file_count; i++)
        copy->files[i] = file_ref(extra->files[i]);
    return copy;
}

// --- what a sender says

static int add_files(struct unix_extra *extra, const void *data, size_t size)
{
    for (size_t i = 0; i < size / sizeof(int); i++) {
        int fd;
        memcpy(&fd, (const u8 *)data + i * sizeof(int), sizeof(fd));
        if (extra->file_count == RIGHTS_MAX) // the structure has room for as many as the data can name
            return -EINVAL;
        struct file *file = files_get_path(fd);
        if (!file)
            return -EBADF;
        extra->files[extra->file_count++] = file;
    }
    return 0;
}

// unix(7): one's own ids, unless a capability allows others.
static bool may_claim(const struct ucred *claim)
{
    const struct cred *cred = current_cred();
    bool user = claim->uid == cred->uid || claim->uid == cred->euid || claim->uid == cred->suid;
    bool group = claim->gid == cred->gid || claim->gid == cred->egid || claim->gid == cred->sgid;

    return claim->pid == fs_current_pid() && (user || capable(CAP_SETUID)) && (group || capable(CAP_SETGID));
}

static int set_credentials(struct unix_extra *extra, const void *data, size_t size)
{
    if (size != sizeof(extra->credentials))
        return -EINVAL;
    memcpy(&extra->credentials, data, size);
    if (!may_claim(&extra->credentials))
        return -EPERM;
    extra->has_credentials = true;
    return 0;
}

static int read_control(struct unix_extra *extra, const struct message *message)
{
    const struct cmsghdr *header;
    const void *data;
    size_t at = 0, size;
    int err = 0;

    while (!err && (header = message_next_control(message, &at, &data, &size))) {
        if (is_err(header))
            return (int)ptr_err(header);
        if (header->level != SOL_SOCKET)
            continue;
        if (header->type == SCM_RIGHTS)
            err = add_files(extra, data, size);
        else if (header->type == SCM_CREDENTIALS)
            err = set_credentials(extra, data, size);
        else
            err = -EINVAL;
    }
    return err;
}

int unix_extra_new(struct unix_socket *sender, const struct message *message, bool with_credentials,
                   struct unix_extra **ret_extra)
{
    mutex_lock(&sender->lock);
    struct unix_name *from = sender->name && sender->socket.type == SOCK_DGRAM ? unix_name_ref(sender->name) : NULL;
    mutex_unlock(&sender->lock);

    *ret_extra = NULL;
    if (!from && !with_credentials && !message->control_size)
        return 0;
    struct unix_extra *extra = extra_alloc((u32)MIN(message->control_size / sizeof(int), (size_t)RIGHTS_MAX));
    if (!extra) {
        unix_name_put(from);
        return -ENOMEM;
    }
    extra->from = from;
    int err = read_control(extra, message);
    if (with_credentials && !extra->has_credentials) {
        extra->has_credentials = true;
        extra->credentials =
            (struct ucred){ .pid = fs_current_pid(), .uid = current_cred()->uid, .gid = current_cred()->gid };
    }
    if (err)
        unix_extra_free(extra);
    else
        *ret_extra = extra;
    return err;
}

// --- what a receiver gets

static void deliver_files(struct unix_extra *extra, struct message *message)
{
    bool close_on_exec = message->flags & MSG_CMSG_CLOEXEC;
    size_t room = message->control_size - message->control_used, fit = 0;
    int fds[RIGHTS_MAX];
    u32 count = 0;

    if (room > sizeof(struct cmsghdr))
        fit = (room - sizeof(struct cmsghdr)) / sizeof(int);
    while (count < extra->file_count && count < fit) {
        int fd = files_install(file_ref(extra->files[count]), 0, close_on_exec);
        if (fd < 0) {
            file_unref(extra->files[count]);
            break;
        }
        fds[count++] = fd;
    }
    if (count)
        message_put_control(message, SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof(int));
    if (count < extra->file_count)
        message->came_flags |= MSG_CTRUNC;
}

void unix_extra_deliver(struct unix_socket *receiver, struct unix_extra *extra, struct message *message)
{
    static const struct ucred nobody = { 0, 65534, 65534 };

    if (extra && extra->from)
        message->name = extra->from->name;
    if (READ_ONCE(receiver->pass_credentials)) {
        const struct ucred *credentials = extra && extra->has_credentials ? &extra->credentials : &nobody;
        message_put_control(message, SOL_SOCKET, SCM_CREDENTIALS, credentials, sizeof(*credentials));
    }
    if (extra && extra->file_count)
        deliver_files(extra, message);
}

// --- in flight

static struct unix_socket *unix_of_file(struct file *file)
{
    struct socket *socket = socket_of(file);
    return socket && socket->ops == &unix_ops ? unix_of(socket) : NULL;
}

static void change_flight(struct unix_extra *extra, bool more)
{
    for (u32 i = 0; extra && i < extra->file_count; i++) {
        struct unix_socket *socket = unix_of_file(extra->files[i]);
        if (!socket)
            continue;
        socket->in_flight += more ? 1 : -1u;
        if (!socket->in_flight)
            list_del(&socket->flying);
        else if (more && socket->in_flight == 1)
            list_add_tail(&socket->flying, &flying);
    }
}

void unix_rights_sent(struct unix_extra *extra) { change_flight(extra, true); }
void unix_rights_taken(struct unix_extra *extra) { change_flight(extra, false); }

// --- collecting. A candidate is in flight and referenced by messages only. Those that a message outside of the
// candidates' queues holds can be received still, and so can what is in their queues. The rest is garbage.

static bool is_candidate(const struct unix_socket *socket)
{
    return socket->in_flight && __atomic_load_n(&socket->socket.file->refs, __ATOMIC_ACQUIRE) == socket->in_flight;
}

typedef void (*visit_fn)(struct unix_socket *target);

static void count_inner(struct unix_socket *target) { target->inner++; }
static void reach(struct unix_socket *target) { target->reached = true; }

// Calls visit for each candidate that a queue's messages carry. The queue's lock held.
static void visit_queue(struct unix_socket *socket, visit_fn visit)
{
    mutex_assert_held(&socket->lock);
    struct piece *piece;
    list_for_each (piece, &socket->in.pieces, link) {
        struct unix_extra *extra = piece->extra;
        for (u32 i = 0; extra && i < extra->file_count; i++) {
            struct unix_socket *target = unix_of_file(extra->files[i]);
            if (target && target->candidate)
                visit(target);
        }
    }
}

// The ends in a listener's backlog are nobody's but the listener's.
static void visit_all(struct unix_socket *socket, visit_fn visit)
{
    struct unix_socket *end;

    mutex_lock(&socket->lock);
    visit_queue(socket, visit);
    list_for_each (end, &socket->backlog, pending) {
        mutex_lock(&end->lock);
        visit_queue(end, visit);
        mutex_unlock(&end->lock);
    }
    mutex_unlock(&socket->lock);
}

// Marks what can be received still. unix_rights_lock held.
static void find_reachable(void)
{
    mutex_assert_held(&unix_rights_lock);
    struct unix_socket *socket;
    bool more = true;

    list_for_each (socket, &flying, flying) {
        socket->candidate = is_candidate(socket);
        socket->inner = 0;
        socket->visited = false;
        socket->reached = !socket->candidate;
    }
    list_for_each (socket, &flying, flying)
        if (socket->candidate)
            visit_all(socket, count_inner);
    list_for_each (socket, &flying, flying)
        socket->reached |= socket->in_flight > socket->inner;
    while (more) {
        more = false;
        list_for_each (socket, &flying, flying)
            if (socket->candidate && socket->reached && !socket->visited) {
                socket->visited = more = true;
                visit_all(socket, reach);
            }
    }
}

// A socket that is garbage, kept by a reference, or NULL.
static struct unix_socket *next_garbage(void)
{
    struct unix_socket *socket;

    find_reachable();
    list_for_each (socket, &flying, flying)
        if (!socket->reached)
            return unix_ref(socket);
    return NULL;
}

void unix_collect(void)
{
    struct unix_socket *socket;

    while (READ_ONCE(flying.next) != &flying) {
        mutex_lock(&unix_rights_lock);
        socket = list_empty(&flying) ? NULL : next_garbage();
        mutex_unlock(&unix_rights_lock);
        if (!socket)
            return;
        // Its messages go, and with them the references that kept the others.
        unix_drop_queue(socket);
        unix_put(socket);
    }
}
