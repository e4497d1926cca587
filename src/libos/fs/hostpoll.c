// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/hostpoll.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "trusted/ocall.h"

enum { TABLE_FIRST = 64, ROOM = 64 << 10, EVENTS = POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP | POLLRDHUP };

// Which descriptor a cookie means. An index is used again under another generation, so that a late report of a
// descriptor that was closed finds nothing.
struct entry {
    struct hostpoll *poll; // NULL: free
    u32 generation;
    u32 next_free; // index + 1
};

static struct spinlock table_lock = SPINLOCK_INIT(LOCK_HOSTPOLL);
static struct entry *table; // this and below: guarded by table_lock
static u32 table_size, first_free, armed_count;

static u32 leading; // atomic: a thread sleeps in the host's wait
static struct wait_queue followers = WAIT_QUEUE_INIT(followers);

static void link_free(struct entry *entries, u32 from, u32 to)
{
    for (u32 i = to; i > from; i--) {
        entries[i - 1].next_free = first_free;
        first_free = i;
    }
}

// table_lock is not held.
static int enlarge(u32 seen)
{
    u32 size = seen ? seen * 2 : TABLE_FIRST;
    struct entry *entries = kzalloc(size * sizeof(*entries)), *old = entries;
    if (!entries)
        return -ENOMEM;
    spin_lock(&table_lock);
    if (table_size == seen) {
        memcpy(entries, table, seen * sizeof(*entries));
        old = table;
        table = entries;
        table_size = size;
        link_free(entries, seen, size);
    }
    spin_unlock(&table_lock);
    kfree(old);
    return 0;
}

static bool claim(struct hostpoll *poll, u32 *ret_size)
{
    spin_lock(&table_lock);
    u32 index = first_free;
    *ret_size = table_size;
    if (index) {
        struct entry *entry = &table[index - 1];
        first_free = entry->next_free;
        entry->poll = poll;
        poll->index = index - 1;
        poll->generation = ++entry->generation;
        poll->open = true;
    }
    spin_unlock(&table_lock);
    return index;
}

int hostpoll_open(struct hostpoll *poll, int fd, struct wait_queue *readable, struct wait_queue *writable)
{
    u32 size;

    *poll = (struct hostpoll){ .fd = fd, .readable = readable, .writable = writable };
    while (!claim(poll, &size)) {
        int err = enlarge(size);
        if (err)
            return err;
    }
    return 0;
}

void hostpoll_close(struct hostpoll *poll)
{
    spin_lock(&table_lock);
    if (poll->open) {
        struct entry *entry = &table[poll->index];
        entry->poll = NULL;
        entry->next_free = first_free;
        first_free = poll->index + 1;
        WRITE_ONCE(armed_count, armed_count - poll->armed);
        poll->open = false;
    }
    spin_unlock(&table_lock);
}

u64 hostpoll_cookie(const struct hostpoll *poll) { return (u64)poll->generation << 32 | poll->index; }

// Somebody must hear what the host reports.
static void want_leader(void)
{
    if (!__atomic_load_n(&leading, __ATOMIC_SEQ_CST))
        wake_up(&followers, 1);
}

void hostpoll_armed(struct hostpoll *poll, u32 events)
{
    __atomic_fetch_or(&poll->state, events & EVENTS, __ATOMIC_SEQ_CST);
    spin_lock(&table_lock);
    bool first = poll->open && !poll->armed;
    if (first)
        WRITE_ONCE(poll->armed, true);            // hostpoll_events looks without the lock
    WRITE_ONCE(armed_count, armed_count + first); // lead and leave look without the lock
    spin_unlock(&table_lock);
    if (first)
        want_leader();
}

// Regular files cannot be waited for: they are always ready.
u32 hostpoll_ask(struct hostpoll *poll)
{
    if (READ_ONCE(poll->steady))
        return POLLIN | POLLOUT;
    WRITE_ONCE(poll->stale, false);
    s64 events = ocall_poll_register(poll->fd, hostpoll_cookie(poll));
    if (events == -EPERM) {
        WRITE_ONCE(poll->steady, true);
        return POLLIN | POLLOUT;
    }
    if (events < 0)
        return POLLERR;
    hostpoll_armed(poll, (u32)events);
    return (u32)events & EVENTS;
}

static u32 with_aliases(u32 events)
{
    return events | (events & POLLIN ? POLLRDNORM : 0) | (events & POLLOUT ? POLLWRNORM : 0);
}

u32 hostpoll_events(struct hostpoll *poll, struct poll_table *table_of_caller)
{
    if (table_of_caller)
        table_of_caller->host = true;
    poll_wait_pair(table_of_caller, poll->readable, poll->writable);
    bool known = READ_ONCE(poll->armed) && !READ_ONCE(poll->stale);
    u32 events = known ? __atomic_load_n(&poll->state, __ATOMIC_SEQ_CST) : hostpoll_ask(poll);
    return with_aliases(events | (poll->ahead ? ahead_events(poll->ahead) : 0));
}

u32 hostpoll_begin(struct hostpoll *poll) { return __atomic_load_n(&poll->changes, __ATOMIC_SEQ_CST); }

void hostpoll_clear(struct hostpoll *poll, u32 begun, u32 bits)
{
    spin_lock(&table_lock);
    if (poll->changes == begun)
        __atomic_fetch_and(&poll->state, ~bits, __ATOMIC_SEQ_CST);
    spin_unlock(&table_lock);
}

void hostpoll_forget(struct hostpoll *poll, u32 begun, u32 bits)
{
    WRITE_ONCE(poll->stale, true);
    hostpoll_clear(poll, begun, bits);
}

// One event of a batch.
struct heard {
    u64 cookie;
    u32 events;
    struct ahead_piece piece; // size 0, error 0: none
};

// Under table_lock, so that the descriptor stays and hostpoll_clear sees both changes or none.
static void report(struct heard *heard, struct wake_list *list)
{
    u32 index = (u32)heard->cookie, generation = (u32)(heard->cookie >> 32), events = heard->events & EVENTS;

    if (index >= table_size || !table[index].poll || table[index].generation != generation)
        return;
    struct hostpoll *poll = table[index].poll;
    heard->piece.changes = __atomic_add_fetch(&poll->changes, 1, __ATOMIC_SEQ_CST);
    if (poll->ahead && (heard->piece.size || heard->piece.error))
        ahead_deliver(poll->ahead, &heard->piece);
    // Added, not stored: two batches may be looked at in the other order. What is over is found out by trying.
    __atomic_fetch_or(&poll->state, events, __ATOMIC_SEQ_CST);
    bool both = events & (POLLERR | POLLHUP);
    if (both || (events & POLL_READ_EVENTS))
        wake_collect(poll->readable, SIZE_MAX, list);
    if (both || (events & POLL_WRITE_EVENTS))
        wake_collect(poll->writable, SIZE_MAX, list);
}

// Takes the event at *at of a batch of size bytes, which is the enclave's copy. False: that is no event.
static bool take_event(const u8 *batch, size_t size, size_t *at, struct heard *heard)
{
    struct host_event event;

    if (size - *at < sizeof(event))
        return false;
    memcpy(&event, batch + *at, sizeof(event));
    *at += sizeof(event);
    *heard = (struct heard){ .cookie = event.cookie, .events = event.events };
    heard->piece.number = event.number;
    heard->piece.more = event.more;
    if (event.got < 0)
        heard->piece.error = event.got >= -133 ? event.got : -EIO;
    if (event.got <= 0)
        return true;
    if ((u32)event.got > size - *at)
        return false;
    heard->piece.data = kmalloc((u32)event.got);
    heard->piece.size = (u32)event.got;
    heard->piece.error = heard->piece.data ? 0 : -ENOMEM; // the stream has a hole now
    if (heard->piece.data)
        memcpy(heard->piece.data, batch + *at, (u32)event.got);
    *at += MIN(ALIGN_UP((size_t)event.got, 8), size - *at);
    return true;
}

static void report_batch(const u8 *batch, size_t size)
{
    struct heard heard[HOST_EVENTS_MAX];
    struct wake_list list;
    size_t at = 0, count = 0;

    while (count < HOST_EVENTS_MAX && take_event(batch, size, &at, &heard[count]))
        count++;
    wake_list_init(&list);
    spin_lock(&table_lock);
    for (size_t i = 0; i < count; i++)
        report(&heard[i], &list);
    spin_unlock(&table_lock);
    wake_list_flush(&list);
    for (size_t i = 0; i < count; i++)
        kfree(heard[i].piece.data); // what nobody took
}

// What is reported may concern this thread first of all: it is awake by then, and needs nobody to ask the host to wake
// it.
static s64 sleep_in_host(void *batch, size_t size, s64 timeout_ns)
{
    s64 n = thread_park_begin() ? ocall_poll_wait(batch, size, timeout_ns) : 0;
    thread_park_end();
    return n;
}

// Room for a batch with data: one is kept.
static u8 *spare_room;

static u8 *take_room(void)
{
    if (ahead_is_full())
        return NULL;
    u8 *room = __atomic_exchange_n(&spare_room, NULL, __ATOMIC_ACQ_REL);
    return room ? room : kmalloc(ROOM);
}

static void give_room(u8 *room)
{
    if (room)
        kfree(__atomic_exchange_n(&spare_room, room, __ATOMIC_ACQ_REL));
}

static void hear(s64 timeout_ns)
{
    u8 small[HOST_EVENTS_MAX * sizeof(struct host_event)], *room = take_room(), *batch = room ? room : small;
    size_t size = room ? (size_t)ROOM : sizeof(small);

    s64 n = timeout_ns ? sleep_in_host(batch, size, timeout_ns) : ocall_poll_wait(batch, size, 0);
    if (n > 0)
        report_batch(batch, (size_t)n);
    give_room(room);
}

static bool lead(s64 deadline_ns)
{
    u32 nobody = 0;

    if (!READ_ONCE(armed_count) ||
        !__atomic_compare_exchange_n(&leading, &nobody, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return false;
    hear(deadline_ns == WAIT_FOREVER ? -1 : MAX(deadline_ns - time_monotonic_ns(), (s64)0));
    __atomic_store_n(&leading, 0, __ATOMIC_SEQ_CST);
    return true;
}

void hostpoll_sleep(s64 deadline_ns)
{
    struct waiter waiter;

    if (lead(deadline_ns))
        return;
    waiter_init(&waiter);
    wait_add(&followers, &waiter);
    // The leader may have left before it could see this one.
    if (!lead(deadline_ns) && !__atomic_load_n(&waiter.woken, __ATOMIC_SEQ_CST))
        thread_park(deadline_ns);
    wait_remove(&followers, &waiter);
}

void hostpoll_leave(void)
{
    if (READ_ONCE(armed_count))
        want_leader();
}

void hostpoll_refresh(void)
{
    if (READ_ONCE(armed_count))
        hear(0);
}

int hostpoll_wait(struct hostpoll *poll, u32 events, s64 deadline_ns)
{
    struct poll_set set;
    int err = 0;

    poll_set_init(&set);
    set.table.wanted = events;
    u32 now = hostpoll_events(poll, &set.table);
    while (!(now & (events | POLLERR | POLLHUP)) && !err) {
        err = poll_set_sleep(&set, deadline_ns);
        now = hostpoll_events(poll, NULL);
    }
    poll_set_done(&set);
    hostpoll_leave();
    return now & (events | POLLERR | POLLHUP) ? 0 : err;
}
