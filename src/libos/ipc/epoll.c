// SPDX-License-Identifier: BSD-3-Clause
// What an epoll instance watches and what of it is ready.
//
// Each watch stays registered with the wait queues of its file; a wake-up there puts it on the ready list and wakes one
// waiter of the instance. A wait takes watches from the ready list, asks the file what holds now, and puts
// level-triggered ones back. So the cost is that of the events, not of the watches. Only timers do not call back: the
// sleepers of the instance look at the clock for them (epoll_refresh), and the first look wakes as a file does.
//
// Locks: epoll_nesting -> epoll->lock (nested ones from the outside in) -> wait queue of a file, file->watch_lock ->
// epoll->ready_lock -> epoll->waiters, watchers (which may be the queue of a file that an outer instance watches).
#include "libos/ipc/epoll.h"
#include "base/string.h"
#include "libos/ipc/epoll_instance.h"
#include "libos/mem/heap.h"

static void epoll_put(struct epoll *epoll)
{
    if (__atomic_fetch_sub(&epoll->refs, 1, __ATOMIC_ACQ_REL) == 1)
        kfree(epoll);
}

// --- the ready list

static void mark_ready(struct epoll_watch *watch)
{
    struct epoll *epoll = watch->epoll;
    spin_lock(&epoll->ready_lock);
    if (list_empty(&watch->ready))
        list_add_tail(&watch->ready, &epoll->ready);
    spin_unlock(&epoll->ready_lock);
}

static void unmark_ready(struct epoll_watch *watch)
{
    spin_lock(&watch->epoll->ready_lock);
    list_del(&watch->ready);
    spin_unlock(&watch->epoll->ready_lock);
}

static void wake_collect_for_events(struct epoll *epoll, struct wake_list *list)
{
    wake_collect(&epoll->waiters, 1, list);
    wake_collect_all(&epoll->watchers, list);
}

// A wake-up in a queue of the file, under that queue's lock. An instance without anybody to tell leaves an exclusive
// wake-up to the next one.
static bool notify(struct waiter *waiter, struct wake_list *list)
{
    struct epoll_watch *watch = (struct epoll_watch *)waiter->key;
    struct epoll *epoll = watch->epoll;

    if (!(READ_ONCE(watch->events) & EPOLL_POLL_BITS))
        return false;
    mark_ready(watch);
    bool heard = READ_ONCE(epoll->waiters.count) || READ_ONCE(epoll->watchers.count);
    wake_collect_for_events(epoll, list);
    return heard;
}

bool epoll_ready(struct epoll *epoll)
{
    spin_lock(&epoll->ready_lock);
    bool ready = !list_empty(&epoll->ready);
    spin_unlock(&epoll->ready_lock);
    return ready;
}

void epoll_pass_on(struct epoll *epoll)
{
    if (epoll_ready(epoll))
        wake_up(&epoll->waiters, 1);
}

// --- registering with files

struct arming {
    struct poll_table table;
    struct epoll_watch *watch;
    int err;
};

static void add_queue(struct poll_table *table, struct wait_queue *queue)
{
    struct arming *arming = container_of(table, struct arming, table);
    struct epoll_watch *watch = arming->watch;

    if (watch->queue_count == EPOLL_QUEUES) {
        arming->err = -ENOSPC;
        return;
    }
    struct epoll_queue *entry = &watch->queues[watch->queue_count++];
    entry->queue = queue;
    waiter_init(&entry->waiter);
    entry->waiter.key = (u64)watch;
    entry->waiter.notify = notify;
    entry->waiter.exclusive = watch->events & EPOLLEXCLUSIVE;
    wait_add(queue, &entry->waiter);
}

static void disarm(struct epoll_watch *watch)
{
    for (u32 i = 0; i < watch->queue_count; i++)
        wait_remove(watch->queues[i].queue, &watch->queues[i].waiter);
    watch->queue_count = 0;
}

// Registers with the file's queues, and looks what holds already. epoll->lock held.
static int arm(struct epoll_watch *watch)
{
    mutex_assert_held(&watch->epoll->lock);
    struct arming arming = { .watch = watch };

    arming.table = (struct poll_table){ .add = add_queue, .wanted = watch->events, .until = WAIT_FOREVER };
    if (file_poll(watch->file, &arming.table) & watch->events)
        mark_ready(watch);
    return arming.err;
}

// --- the set of watches

// Takes the watch off its file, which may be gone from here on. False: the end of the file is about to do it, and is
// waiting for epoll->lock.
static bool leave_file(struct epoll_watch *watch, bool file_ends)
{
    struct file *file = watch->file;
    spin_lock(&file->watch_lock);
    bool mine = file_ends || !watch->dying;
    if (mine) {
        *watch->link = watch->next;
        if (watch->next)
            watch->next->link = watch->link;
    }
    spin_unlock(&file->watch_lock);
    return mine;
}

static void join_file(struct epoll_watch *watch)
{
    struct file *file = watch->file;
    spin_lock(&file->watch_lock);
    file->watched = true;
    watch->next = file->watches;
    watch->link = &file->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    file->watches = watch;
    spin_unlock(&file->watch_lock);
}

static struct epoll_watch *find(struct epoll *epoll, const struct file *file, int fd)
{
    struct rb_node *node = epoll->watches.root;
    while (node) {
        struct epoll_watch *watch = container_of(node, struct epoll_watch, node);
        if (watch->file == file && watch->fd == fd)
            return watch;
        node = file < watch->file || (file == watch->file && fd < watch->fd) ? node->left : node->right;
    }
    return NULL;
}

static void insert(struct epoll *epoll, struct epoll_watch *watch)
{
    struct rb_node **link = &epoll->watches.root, *parent = NULL;
    while (*link) {
        parent = *link;
        struct epoll_watch *other = container_of(parent, struct epoll_watch, node);
        bool left = watch->file < other->file || (watch->file == other->file && watch->fd < other->fd);
        link = left ? &parent->left : &parent->right;
    }
    rb_insert(&epoll->watches, &watch->node, parent, link);
}

// epoll->lock held; epoll_nesting too if the file is an instance. The caller holds the instance itself.
static void remove_watch(struct epoll_watch *watch, bool file_ends)
{
    mutex_assert_held(&watch->epoll->lock);
    struct epoll *epoll = watch->epoll;

    disarm(watch); // while the file's queues are certain to be there; no notify runs from here on
    if (!leave_file(watch, file_ends))
        return;
    unmark_ready(watch);
    rb_erase(&epoll->watches, &watch->node);
    list_del(&watch->special);
    kfree(watch);
    epoll_put(epoll);
}

static struct epoll_watch *new_watch(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_watch *watch = kzalloc(sizeof(*watch));
    if (!watch)
        return NULL;
    watch->epoll = epoll;
    watch->file = file;
    watch->fd = fd;
    watch->events = event->events | EPOLLERR | EPOLLHUP;
    watch->data = event->data;
    list_init(&watch->ready);
    list_init(&watch->special);
    __atomic_fetch_add(&epoll->refs, 1, __ATOMIC_RELAXED);
    insert(epoll, watch);
    join_file(watch);
    if (epoll_of(file))
        list_add_tail(&watch->special, &epoll->inner);
    else if (file->ops->timed)
        list_add_tail(&watch->special, &epoll->timed);
    return watch;
}

static int add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll *inner = epoll_of(file);
    int err = inner ? epoll_nesting_check(epoll, inner) : 0;

    if (err)
        return err;
    struct epoll_watch *watch = new_watch(epoll, file, fd, event);
    if (!watch)
        return -ENOMEM;
    err = arm(watch);
    if (err)
        remove_watch(watch, false);
    return err;
}

static int modify(struct epoll_watch *watch, const struct epoll_event *event)
{
    if ((watch->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    disarm(watch);
    WRITE_ONCE(watch->events, event->events | EPOLLERR | EPOLLHUP);
    watch->data = event->data;
    return arm(watch);
}

static int control(struct epoll *epoll, int operation, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_watch *watch = find(epoll, file, fd);

    if (operation == EPOLL_CTL_ADD)
        return watch ? -EEXIST : add(epoll, file, fd, event);
    if (!watch)
        return -ENOENT;
    if (operation == EPOLL_CTL_MOD)
        return modify(watch, event);
    remove_watch(watch, false);
    return 0;
}

int epoll_control(struct epoll *epoll, int operation, struct file *file, int fd, const struct epoll_event *event)
{
    struct wake_list list;
    bool nested = epoll_of(file);

    if (nested)
        mutex_lock(&epoll_nesting);
    mutex_lock(&epoll->lock);
    int err = control(epoll, operation, file, fd, event);
    mutex_unlock(&epoll->lock);
    if (nested)
        mutex_unlock(&epoll_nesting);
    // Something may be ready already, and who sleeps must look at the clock for a timer he did not know.
    wake_list_init(&list);
    if (epoll_ready(epoll) || file->ops->timed || nested)
        wake_collect_for_events(epoll, &list);
    wake_list_flush(&list);
    return err;
}

void epoll_forget_file(struct file *file)
{
    bool nested = epoll_of(file);

    if (nested)
        mutex_lock(&epoll_nesting);
    for (;;) {
        spin_lock(&file->watch_lock);
        struct epoll_watch *watch = file->watches;
        if (watch)
            watch->dying = true; // from here on nobody else takes it out
        spin_unlock(&file->watch_lock);
        if (!watch)
            break;
        struct epoll *epoll = watch->epoll;
        __atomic_fetch_add(&epoll->refs, 1, __ATOMIC_RELAXED);
        mutex_lock(&epoll->lock);
        remove_watch(watch, true);
        mutex_unlock(&epoll->lock);
        epoll_put(epoll);
    }
    if (nested)
        mutex_unlock(&epoll_nesting);
}

static void release(struct file *file)
{
    struct epoll *epoll = file->private;
    struct rb_node *node, *next;

    mutex_lock(&epoll_nesting);
    mutex_lock(&epoll->lock);
    for (node = rb_first(&epoll->watches); node; node = next) {
        next = rb_next(node);
        remove_watch(container_of(node, struct epoll_watch, node), false);
    }
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epoll_nesting);
    epoll_put(epoll);
}

// --- taking events

// What the watch has to report now; 0: nothing. Decides whether it stays on the ready list. epoll->lock held, watch off
// the list.
static u32 report(struct epoll_watch *watch)
{
    mutex_assert_held(&watch->epoll->lock);
    u32 wanted = watch->events, now = file_poll(watch->file, NULL) & wanted & EPOLL_POLL_BITS;

    if (now && (wanted & EPOLLONESHOT))
        WRITE_ONCE(watch->events, wanted & ~(u32)EPOLL_POLL_BITS);
    else if (now && !(wanted & EPOLLET))
        mark_ready(watch);
    return now;
}

static struct epoll_watch *take_ready(struct epoll *epoll, struct list_head *taken)
{
    struct epoll_watch *watch = NULL;
    spin_lock(&epoll->ready_lock);
    if (!list_empty(taken)) {
        watch = list_first(taken, struct epoll_watch, ready);
        list_del(&watch->ready);
    }
    spin_unlock(&epoll->ready_lock);
    return watch;
}

// Appends one list to another. ready_lock held.
static void splice(struct list_head *from, struct list_head *to)
{
    if (list_empty(from))
        return;
    struct list_head *first = from->next, *last = from->prev;
    list_init(from);
    first->prev = to->prev;
    to->prev->next = first;
    last->next = to;
    to->prev = last;
}

// Takes the list, so that what comes back ready is looked at once only.
static void begin_scan(struct epoll *epoll, struct list_head *taken)
{
    list_init(taken);
    spin_lock(&epoll->ready_lock);
    splice(&epoll->ready, taken);
    spin_unlock(&epoll->ready_lock);
}

// What was not looked at comes first next time.
static void end_scan(struct epoll *epoll, struct list_head *taken)
{
    spin_lock(&epoll->ready_lock);
    splice(&epoll->ready, taken);
    splice(taken, &epoll->ready);
    spin_unlock(&epoll->ready_lock);
}

int epoll_ready_count(struct epoll *epoll, int most)
{
    struct list_head *at;
    int count = 0;

    spin_lock(&epoll->ready_lock);
    for (at = epoll->ready.next; at != &epoll->ready && count < most; at = at->next)
        count++;
    spin_unlock(&epoll->ready_lock);
    return count;
}

int epoll_collect(struct epoll *epoll, struct epoll_event *events, int room)
{
    struct list_head taken;
    struct epoll_watch *watch;
    int count = 0;

    mutex_lock(&epoll->lock);
    begin_scan(epoll, &taken);
    while (count < room && (watch = take_ready(epoll, &taken))) {
        u32 now = report(watch);
        if (now)
            events[count++] = (struct epoll_event){ .events = now, .data = watch->data };
    }
    end_scan(epoll, &taken);
    mutex_unlock(&epoll->lock);
    return count;
}

// Whether there is something to collect; what turns out not to be ready leaves the list. epoll->lock held.
static bool anything_ready(struct epoll *epoll)
{
    mutex_assert_held(&epoll->lock);
    struct list_head taken;
    struct epoll_watch *watch;
    bool found = false;

    begin_scan(epoll, &taken);
    while (!found && (watch = take_ready(epoll, &taken))) {
        found = file_poll(watch->file, NULL) & watch->events & EPOLL_POLL_BITS;
        if (found)
            mark_ready(watch);
    }
    end_scan(epoll, &taken);
    return found;
}

static void refresh(struct list_head *watches, struct poll_table *table)
{
    struct epoll_watch *watch;
    list_for_each (watch, watches, special)
        file_poll(watch->file, table);
}

s64 epoll_refresh(struct epoll *epoll)
{
    struct poll_table table = { .until = WAIT_FOREVER };

    mutex_lock(&epoll->lock);
    refresh(&epoll->timed, &table);
    refresh(&epoll->inner, &table);
    mutex_unlock(&epoll->lock);
    return table.until;
}

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;

    poll_wait(table, &epoll->watchers);
    if (table)
        poll_wait_until(table, epoll_refresh(epoll));
    mutex_lock(&epoll->lock);
    bool ready = anything_ready(epoll);
    mutex_unlock(&epoll->lock);
    return ready ? POLLIN | POLLRDNORM : 0;
}

// epoll_params of Linux 6.9 are not there; what is unknown is -EINVAL since they are.
static long epoll_ioctl(struct file *file, u32 command, u64 argument) { return -EINVAL; }

static const struct file_ops epoll_ops = {
    .poll = epoll_poll, .ioctl = epoll_ioctl, .release = release, .stream = true, .unmoved = true
};

struct epoll *epoll_of(struct file *file) { return file->ops == &epoll_ops ? file->private : NULL; }

int epoll_create_file(struct file **ret_file)
{
    struct epoll *epoll = kzalloc(sizeof(*epoll));
    int err = epoll ? file_alloc(NULL, O_RDWR, ret_file) : -ENOMEM;
    if (err) {
        kfree(epoll);
        return err;
    }
    epoll->refs = 1;
    epoll->file = *ret_file;
    mutex_init(&epoll->lock, LOCK_EPOLL);
    spin_init(&epoll->ready_lock, LOCK_EPOLL_READY);
    list_init(&epoll->timed);
    list_init(&epoll->inner);
    list_init(&epoll->ready);
    wait_queue_init(&epoll->waiters);
    wait_queue_init(&epoll->watchers);
    (*ret_file)->private = epoll;
    (*ret_file)->ops = &epoll_ops;
    (*ret_file)->path = kstrdup("anon_inode:[eventpoll]");
    return 0;
}
