// SPDX-License-Identifier: BSD-3-Clause
// Private to the unix*.c files: AF_UNIX, unix(7), all inside the enclave.
#pragma once

#include "abi/occlum/ocall_types.h"
#include "libos/fs/byteq.h"
#include "libos/net/socket.h"

// What a name is bound to: a socket file's inode, or the bytes of an abstract name.
struct unix_name {
    u32 refs; // atomic
    struct list_head link;
    struct inode *inode;        // referenced; NULL: abstract
    struct unix_socket *socket; // not referenced; NULL once it is closed; guarded by the names' lock
    struct net_name name;       // as bound, for getsockname
};

enum unix_state { UNIX_NEW, UNIX_LISTENING, UNIX_CONNECTED };

// Locks: unix_rights_lock -> socket->lock; never two sockets' locks at once.
struct unix_socket {
    struct socket socket;
    u32 refs;          // atomic: its file, the peer, whoever works on it
    struct mutex lock; // everything below
    enum unix_state state;
    bool closed, read_shut, write_shut;
    bool peer_ended; // the peer of a stream says nothing more
    bool pass_credentials;
    bool tcp;                       // the inside of a TCP connection (inet_loopback.c): ends as those do,
    bool reset_on_close;            // perhaps by force (SO_LINGER)
    struct host_address own, other; // its addresses; for good, once connected
    int error;                      // reported once (SO_ERROR, or the next call), positive
    struct unix_name *name;
    struct unix_socket *peer; // referenced. Streams: for good, once connected
    struct byteq in;          // what came; pieces carry a struct unix_extra
    u64 in_limit;             // the sender's send_size
    u64 in_total;             // bytes that ever came
    enum unix_urgent { URGENT_NONE, URGENT_UNREAD, URGENT_READ } urgent; // of TCP: until reading passed the mark
    bool urgent_inline;                                                  // SO_OOBINLINE
    u8 urgent_byte;
    u64 urgent_at;               // where in the stream it stands
    u64 send_size, receive_size; // SO_SNDBUF, SO_RCVBUF
    struct ucred credentials, peer_credentials;
    // of a listener
    struct list_head backlog; // unix_socket.pending: connected, not yet accepted
    struct list_head pending;
    u32 backlog_size, backlog_max;
    struct wait_queue readable, writable; // data, connections, an end; room at the peer, or in the backlog
    // Guarded by unix_rights_lock:
    u32 in_flight;           // times the file is in a message
    struct list_head flying; // among those for which that is not 0
    u32 inner;               // of the collection: times in messages of candidates
    bool candidate, reached, visited;
};

// What comes with a packet, or with the first byte of a piece.
struct unix_extra {
    struct list_head dead;  // waits to be freed
    struct unix_name *from; // referenced; NULL: unbound
    bool has_credentials;
    struct ucred credentials;
    u32 file_count;
    struct file *files[]; // referenced
};

enum { RIGHTS_MAX = 253, DATAGRAMS_MAX = 10 }; // SCM_MAX_FD; net.unix.max_dgram_qlen

extern const struct socket_ops unix_ops;
extern struct wait_queue unix_datagram_room; // senders of datagrams to whoever is full

static inline struct unix_socket *unix_of(struct socket *socket)
{
    return container_of(socket, struct unix_socket, socket);
}

// --- unix.c
struct unix_socket *unix_ref(struct unix_socket *socket);
void unix_put(struct unix_socket *socket); // NULL is accepted
// The peer, referenced, or NULL.
struct unix_socket *unix_peer(struct unix_socket *socket);

// Streams without a name, for connections of the internet families inside. A listener's backlog is as listen(2) has it.
struct unix_socket *unix_stream_new(void); // NULL: no memory; ended by its ops->release
void unix_stream_listen(struct unix_socket *socket, int backlog);
// Joins it with a new end, which waits in the backlog: -EAGAIN, if that is full. Its addresses are own and to then.
__nodiscard int unix_stream_connect(struct unix_socket *socket, struct unix_socket *listener,
                                    const struct host_address *own, const struct host_address *to);
struct unix_socket *unix_stream_accept(struct unix_socket *listener); // NULL: nobody waits
bool unix_stream_is_over(struct unix_socket *socket);                 // both ends said that nothing more comes
u32 unix_events(struct unix_socket *socket);                          // POLL* that hold now

// --- unix_name.c
__nodiscard int unix_bind(struct socket *socket, const struct net_name *name);
// The socket bound to a name, referenced: -ECONNREFUSED, and what looking up a path gives.
__nodiscard int unix_find(const struct net_name *name, struct unix_socket **ret_socket);
struct unix_name *unix_name_ref(struct unix_name *name);
void unix_name_put(struct unix_name *name);        // NULL is accepted
void unix_name_unlist(struct unix_socket *socket); // it is closed: nobody finds it any more

// --- unix_data.c
long unix_send(struct socket *socket, struct message *message);
long unix_receive(struct socket *socket, struct message *message);
// Whether poll calls a sender writable whose limit that is.
bool unix_writable(struct unix_socket *receiver, u64 limit);
void unix_drop_queue(struct unix_socket *socket); // everything that came, with what came along; nothing comes any more

// --- unix_urgent.c: urgent data of TCP inside. The first five with the lock held
void unix_urgent_sent(struct unix_socket *receiver, u8 byte); // the byte that came last is urgent
// How many of max bytes from *offset (of what is not read) on are read at once. 0: here is the mark, and the caller has
// something already. MSG_PEEK passes over the urgent byte by *offset.
size_t unix_urgent_limit(struct unix_socket *socket, bool first, u64 *offset, size_t max);
void unix_urgent_pass(struct unix_socket *socket);          // before reading: drops the urgent byte, if it is next
void unix_urgent_passed(struct unix_socket *socket);        // after reading
u64 unix_urgent_readable(const struct unix_socket *socket); // bytes that make it readable
u64 unix_urgent_pending(const struct unix_socket *socket);  // FIONREAD: up to the mark
bool unix_urgent_at_mark(struct unix_socket *socket);       // SIOCATMARK
void unix_urgent_set_inline(struct unix_socket *socket, bool on);              // SO_OOBINLINE
long unix_urgent_receive(struct unix_socket *socket, struct message *message); // MSG_OOB

// --- unix_rights.c
extern struct mutex unix_rights_lock;
// Reads the control data of a message to be sent; *ret_extra is NULL where there is nothing to carry.
__nodiscard int unix_extra_new(struct unix_socket *sender, const struct message *message, bool with_credentials,
                               struct unix_extra **ret_extra);
void unix_extra_free(struct unix_extra *extra);                     // NULL is accepted; drops what it carries
struct unix_extra *unix_extra_copy(const struct unix_extra *extra); // NULL: of NULL, or no memory
// When a message goes into a queue, and when it was taken out: files of sockets in it are in flight. Held from before
// the one until after the other: unix_rights_lock, so that the collection sees what is in flight in a queue.
void unix_rights_sent(struct unix_extra *extra);
void unix_rights_taken(struct unix_extra *extra);
static inline bool unix_has_rights(const struct unix_extra *extra) { return extra && extra->file_count; }
// Gives the receiver what came along: descriptors, credentials.
void unix_extra_deliver(struct unix_socket *receiver, struct unix_extra *extra, struct message *message);
// Frees sockets that are only in messages of each other. No lock held.
void unix_collect(void);
