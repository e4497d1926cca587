// SPDX-License-Identifier: BSD-3-Clause
// What an epoll instance watches and what of it is ready.
//
// Each watch stays registered with the wait queues of its file; a wake-up there puts it on the ready list and wakes the
// instance's own waiters. A wait takes watches from the ready list, asks the file what holds now, and puts
// level-triggered ones back. Files that are descriptors of the host cannot call back: they are asked at each wait,
// which then happens in the host's poll.
//
// Locks: epoll_files (which watches a file has) -> instance->lock (its watches; nested ones from the outside in) -> the
// wait queue of a file -> instance->ready_lock -> instance->waiters.
#include "libos/ipc/epoll.h"
#include "base/rbtree.h"
#include "base/string.h"
#include "libos/ipc/epoll_instance.h"
#include "libos/mem/heap.h"

static struct mutex epoll_files = MUTEX_INIT(epoll_files);

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

static void notify(struct waiter *waiter, struct wake_list *list)
{
    struct epoll_watch *watch = (struct epoll_watch *)waiter->key;
    mark_ready(watch);
    wake_collect_all(&watch->epoll->waiters, list);
}

// Registers with the file. A wake-up between the registration and the setting of notify left its trace in woken.
static void arm(struct epoll_watch *watch)
{
    struct poll_table *table = &watch->table;
    bool woken = false;

    poll_table_init(table);
    table->wanted = watch->events & EPOLL_POLL_BITS;
    u32 now = file_poll(watch->file, table);
    for (size_t i = 0; i < table->count; i++) {
        struct waiter *waiter = &table->entries[i].waiter;
        waiter->key = (u64)watch;
        __atomic_store_n(&waiter->notify, notify, __ATOMIC_RELEASE);
        woken |= __atomic_load_n(&waiter->woken, __ATOMIC_ACQUIRE);
    }
    watch->timed = table->timed;
    watch->host = table->host_count != 0;
    if (woken || watch->host || watch->timed || (now & watch->events))
        mark_ready(watch);
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

// Both locks held.
static void remove_watch(struct epoll *epoll, struct epoll_watch *watch)
{
    poll_table_done(&watch->table);
    unmark_ready(watch);
    rb_erase(&epoll->watches, &watch->node);
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    kfree(watch);
}

void epoll_forget_file(struct file *file)
{
    mutex_lock(&epoll_files);
    while (file->watches) {
        struct epoll *epoll = file->watches->epoll;
        mutex_lock(&epoll->lock);
        remove_watch(epoll, file->watches);
        mutex_unlock(&epoll->lock);
    }
    mutex_unlock(&epoll_files);
}

static void release(struct file *file)
{
    struct epoll *epoll = file->private;
    struct rb_node *node;

    mutex_lock(&epoll_files);
    mutex_lock(&epoll->lock);
    while ((node = epoll->watches.root))
        remove_watch(epoll, container_of(node, struct epoll_watch, node));
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epoll_files);
    kfree(epoll);
}

// True if watched files of epoll lead to target within the depth that Linux allows (5). epoll_files held: watches stand
// still.
static int reaches(struct epoll *epoll, const struct epoll *target, int depth)
{
    if (epoll == target || depth > EPOLL_MAX_NESTING)
        return -ELOOP;
    for (struct rb_node *node = rb_first(&epoll->watches); node; node = rb_next(node)) {
        struct epoll *inner = epoll_of(container_of(node, struct epoll_watch, node)->file);
        if (inner && reaches(inner, target, depth + 1))
            return -ELOOP;
    }
    return 0;
}

static int add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll *inner = epoll_of(file);

    if (find(epoll, file, fd))
        return -EEXIST;
    if (inner && reaches(inner, epoll, 1))
        return -ELOOP;
    struct epoll_watch *watch = kzalloc(sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->epoll = epoll;
    watch->file = file;
    watch->fd = fd;
    watch->events = event->events | EPOLLERR | EPOLLHUP;
    watch->data = event->data;
    list_init(&watch->ready);
    insert(epoll, watch);
    watch->next = file->watches;
    watch->link = &file->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    file->watches = watch;
    arm(watch);
    int err = watch->table.err;
    if (err)
        remove_watch(epoll, watch);
    return err;
}

static int modify(struct epoll_watch *watch, const struct epoll_event *event)
{
    if ((watch->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    poll_table_done(&watch->table);
    watch->events = event->events | EPOLLERR | EPOLLHUP;
    watch->data = event->data;
    watch->disarmed = false;
    arm(watch);
    return watch->table.err;
}

int epoll_control(struct epoll *epoll, int operation, struct file *file, int fd, const struct epoll_event *event)
{
    int err = -EINVAL;

    mutex_lock(&epoll_files);
    mutex_lock(&epoll->lock);
    struct epoll_watch *watch = find(epoll, file, fd);
    if (operation == EPOLL_CTL_ADD)
        err = add(epoll, file, fd, event);
    else if (!watch)
        err = -ENOENT;
    else if (operation == EPOLL_CTL_MOD)
        err = modify(watch, event);
    else
        remove_watch(epoll, watch), err = 0;
    bool ready = !list_empty(&epoll->ready);
    mutex_unlock(&epoll->lock);
    mutex_unlock(&epoll_files);
    if (ready)
        wake_up_all(&epoll->waiters);
    return err;
}

// What the watch has to report now; 0: nothing. Decides whether it stays on the ready list. epoll->lock held, watch off
// the list.
static u32 report(struct epoll_watch *watch)
{
    u32 now = watch->disarmed ? 0 : file_poll(watch->file, NULL) & watch->events;

    if (now && (watch->events & EPOLLONESHOT))
        watch->disarmed = true;
    else if (watch->host || watch->timed || (now && !(watch->events & EPOLLET)))
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

// Moves the list, so that what comes back ready is looked at once only.
static void splice_ready(struct list_head *from, struct list_head *to, struct spinlock *lock)
{
    spin_lock(lock);
    if (!list_empty(from)) {
        struct list_head *first = from->next, *last = from->prev;
        list_init(from);
        first->prev = to->prev;
        to->prev->next = first;
        last->next = to;
        to->prev = last;
    }
    spin_unlock(lock);
}

int epoll_collect(struct epoll *epoll, struct epoll_event *events, int room)
{
    struct list_head taken = LIST_INIT(taken);
    struct epoll_watch *watch;
    int count = 0;

    mutex_lock(&epoll->lock);
    splice_ready(&epoll->ready, &taken, &epoll->ready_lock);
    while (count < room && (watch = take_ready(epoll, &taken))) {
        u32 now = report(watch);
        if (now)
            events[count++] = (struct epoll_event){ .events = now, .data = watch->data };
    }
    // What did not fit comes first next time.
    splice_ready(&epoll->ready, &taken, &epoll->ready_lock);
    splice_ready(&taken, &epoll->ready, &epoll->ready_lock);
    mutex_unlock(&epoll->lock);
    return count;
}

// Only ready watches of host descriptors are always listed: whether anything holds is known by asking.
static u32 epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;
    struct epoll_watch *watch;
    u32 events = 0;

    poll_wait(table, &epoll->waiters);
    mutex_lock(&epoll->lock);
    epoll_register_host(epoll, table);
    for (struct rb_node *node = rb_first(&epoll->watches); node && !events; node = rb_next(node)) {
        watch = container_of(node, struct epoll_watch, node);
        if (!list_empty(&watch->ready) && !watch->disarmed && (file_poll(watch->file, NULL) & watch->events))
            events = POLLIN | POLLRDNORM;
    }
    mutex_unlock(&epoll->lock);
    return events;
}

void epoll_register_host(struct epoll *epoll, struct poll_table *table)
{
    for (struct rb_node *node = rb_first(&epoll->watches); table && node; node = rb_next(node)) {
        struct epoll_watch *watch = container_of(node, struct epoll_watch, node);
        if (watch->timed && !watch->disarmed)
            file_poll(watch->file, table);
        if (!watch->host || watch->disarmed)
            continue;
        u32 wanted = table->wanted;
        for (size_t i = 0; i < watch->table.host_count; i++) {
            table->wanted = watch->table.host[i].events;
            poll_wait_host(table, watch->table.host[i].fd);
        }
        table->wanted = wanted;
    }
}

static const struct file_ops epoll_ops = { .poll = epoll_poll, .release = release, .stream = true };

struct epoll *epoll_of(struct file *file) { return file->ops == &epoll_ops ? file->private : NULL; }

int epoll_create_file(struct file **ret_file)
{
    struct epoll *epoll = kzalloc(sizeof(*epoll));
    int err = epoll ? file_alloc(NULL, O_RDWR, ret_file) : -ENOMEM;
    if (err) {
        kfree(epoll);
        return err;
    }
    mutex_init(&epoll->lock);
    list_init(&epoll->ready);
    wait_queue_init(&epoll->waiters);
    (*ret_file)->private = epoll;
    (*ret_file)->ops = &epoll_ops;
    (*ret_file)->path = kstrdup("anon_inode:[eventpoll]");
    return 0;
}
