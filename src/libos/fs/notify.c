// SPDX-License-Identifier: BSD-3-Clause
// Watches and the events they queue. One lock for all: who watches is rare, and events are short.
#include "libos/fs/notify.h"
#include "base/string.h"
#include "libos/fs/place.h"
#include "libos/mem/heap.h"
#include "libos/sync/wait.h"

enum {
    BUCKETS = 64,
    QUEUE_MAX = 16384,   // fs.inotify.max_queued_events
    WATCHES_MAX = 65536, // fs.inotify.max_user_watches
    EVENTS_OF_MASK = IN_ALL_EVENTS,
};

struct event {
    struct list_head link;
    size_t name_size; // with its padding, a multiple of the size of an event
    struct inotify_event event;
};

struct watch {
    struct list_head of_inode, of_instance;
    struct notify_instance *instance;
    struct inode *inode; // referenced
    s32 number;
    u32 mask;
};

struct notify_instance {
    struct list_head watches, events;
    u32 count; // of events
    u64 bytes;
    s32 last_number;
};

u32 notify_watches;
static struct mutex lock = MUTEX_INIT(LOCK_NOTIFY); // everything here
static struct list_head buckets[BUCKETS];           // watch.of_inode, by inode

// Of all instances, so that one may end while its readers are woken.
struct wait_queue notify_readable = WAIT_QUEUE_INIT(notify_readable);

static void tell(bool something)
{
    if (something)
        wake_up_all(&notify_readable);
}

static struct list_head *bucket_of(const struct inode *inode)
{
    struct list_head *bucket = &buckets[((u64)(uintptr_t)inode >> 6) % BUCKETS];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

// --- queues

static struct event *event_new(s32 number, u32 mask, u32 cookie, const char *name)
{
    size_t len = name ? strlen(name) : 0, room = name ? ALIGN_UP(len + 1, sizeof(struct inotify_event)) : 0;
    struct event *event = kzalloc(sizeof(*event) + room);
    if (!event)
        return NULL;
    event->name_size = room;
    event->event = (struct inotify_event){ .wd = number, .mask = mask, .cookie = cookie, .len = (u32)room };
    if (name)
        memcpy(event->event.name, name, len);
    return event;
}

static bool is_same(const struct event *a, const struct event *b)
{
    return a->event.wd == b->event.wd && a->event.mask == b->event.mask && a->name_size == b->name_size &&
           !memcmp(a->event.name, b->event.name, a->name_size);
}

static void push(struct notify_instance *instance, struct event *event, bool *told)
{
    struct event *last = list_empty(&instance->events) ? NULL : list_entry(instance->events.prev, struct event, link);

    if (!event || (last && is_same(last, event))) {
        kfree(event);
        return;
    }
    list_add_tail(&event->link, &instance->events);
    instance->count++;
    instance->bytes += sizeof(event->event) + event->name_size;
    *told = true;
}

static void queue(struct watch *watch, u32 mask, u32 cookie, const char *name, bool *told)
{
    struct notify_instance *instance = watch->instance;

    if (instance->count >= QUEUE_MAX) // told once: what repeats is not queued
        push(instance, event_new(-1, IN_Q_OVERFLOW, 0, NULL), told);
    else
        push(instance, event_new(watch->number, mask, cookie, name), told);
}

// --- watches

// Takes the watch out; it goes to a list whose inodes are let go without the lock.
static void end_watch(struct watch *watch, struct list_head *ended, bool *told)
{
    list_del(&watch->of_inode);
    list_del(&watch->of_instance);
    list_add(&watch->of_inode, ended);
    __atomic_fetch_sub(&notify_watches, 1, __ATOMIC_RELAXED);
    if (told)
        queue(watch, IN_IGNORED, 0, NULL, told);
}

static void free_ended(struct list_head *ended)
{
    while (!list_empty(ended)) {
        struct watch *watch = list_first(ended, struct watch, of_inode);
        list_del(&watch->of_inode);
        inode_unref(watch->inode);
        kfree(watch);
    }
}

void notify_event(struct inode *inode, u32 events, u32 cookie, const char *name)
{
    struct list_head ended = LIST_INIT(ended);
    struct watch *watch, *next;
    bool told = false;

    if (!notify_active())
        return;
    mutex_lock(&lock);
    list_for_each_safe (watch, next, bucket_of(inode), of_inode) {
        if (watch->inode != inode || !(watch->mask & events & EVENTS_OF_MASK))
            continue;
        queue(watch, events, cookie, name, &told);
        if (watch->mask & IN_ONESHOT)
            end_watch(watch, &ended, &told);
    }
    mutex_unlock(&lock);
    tell(told);
    free_ended(&ended);
}

static u32 with_kind(const struct inode *inode, u32 events) { return events | (inode_is_dir(inode) ? IN_ISDIR : 0); }

void notify_child(struct inode *dir, const char *name, struct inode *inode, u32 events)
{
    if (!notify_active())
        return;
    if (dir)
        notify_event(dir, with_kind(inode, events), 0, name);
    notify_event(inode, with_kind(inode, events), 0, NULL);
}

void notify_file(struct file *file, u32 events)
{
    char name[256] = "";

    if (!notify_active() || !file->inode || (file->flags & O_PATH))
        return;
    struct inode *dir = file->place ? place_where(file->place, name, sizeof(name)) : NULL;
    notify_child(dir, name, file->inode, events);
    if (dir)
        inode_unref(dir);
}

u32 notify_change_events(const struct attr_change *change)
{
    u32 times = change->valid & (ATTR_ATIME | ATTR_MTIME), events = 0;

    if (change->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
        events |= IN_ATTRIB;
    if (change->valid & ATTR_SIZE)
        events |= IN_MODIFY;
    if (times == (ATTR_ATIME | ATTR_MTIME))
        events |= IN_ATTRIB;
    else if (times)
        events |= times == ATTR_ATIME ? IN_ACCESS : IN_MODIFY;
    return events;
}

// The inode has no name any more, and who still holds it are its watches and `held` others: they are told, and end.
static void end_nameless(struct inode *inode, u32 held)
{
    struct list_head ended = LIST_INIT(ended);
    struct watch *watch, *next;
    bool told = false;
    struct kstat st;
    u32 count = 0;

    if (!inode->ops->getattr || inode->ops->getattr(inode, &st) || (st.nlink && !inode_is_dir(inode)))
        return;
    mutex_lock(&lock);
    list_for_each (watch, bucket_of(inode), of_inode)
        count += watch->inode == inode;
    bool free = count && __atomic_load_n(&inode->refs, __ATOMIC_RELAXED) <= count + held;
    list_for_each_safe (watch, next, bucket_of(inode), of_inode) {
        if (!free || watch->inode != inode)
            continue;
        if (watch->mask & IN_DELETE_SELF)
            queue(watch, IN_DELETE_SELF, 0, NULL, &told);
        end_watch(watch, &ended, &told);
    }
    mutex_unlock(&lock);
    tell(told);
    free_ended(&ended);
}

void notify_unlinked(struct inode *inode)
{
    if (!notify_active())
        return;
    if (!inode_is_dir(inode))
        notify_event(inode, IN_ATTRIB, 0, NULL);
    end_nameless(inode, 1);
}

void notify_closed(struct file *file)
{
    struct kstat st;

    if (!notify_active() || !file->inode || !file->inode->ops->getattr)
        return;
    if (!inode_is_dir(file->inode) && !file->inode->ops->getattr(file->inode, &st) && !st.nlink)
        end_nameless(file->inode, 1);
}

void notify_renamed(const struct lookup *from, const struct lookup *to)
{
    static u32 last_cookie;

    if (!notify_active())
        return;
    u32 cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
    notify_event(from->parent, with_kind(from->inode, IN_MOVED_FROM), cookie, from->name);
    notify_event(to->parent, with_kind(from->inode, IN_MOVED_TO), cookie, to->name);
}

// --- instances

int notify_create(struct notify_instance **ret_instance)
{
    struct notify_instance *instance = kzalloc(sizeof(*instance));
    if (!instance)
        return -ENOMEM;
    list_init(&instance->watches);
    list_init(&instance->events);
    *ret_instance = instance;
    return 0;
}

void notify_destroy(struct notify_instance *instance)
{
    struct list_head ended = LIST_INIT(ended);

    mutex_lock(&lock);
    while (!list_empty(&instance->watches))
        end_watch(list_first(&instance->watches, struct watch, of_instance), &ended, NULL);
    while (!list_empty(&instance->events)) {
        struct event *event = list_first(&instance->events, struct event, link);
        list_del(&event->link);
        kfree(event);
    }
    mutex_unlock(&lock);
    free_ended(&ended);
    kfree(instance);
}

// Locked.
static struct watch *find(struct notify_instance *instance, const struct inode *inode)
{
    struct watch *watch;
    list_for_each (watch, bucket_of(inode), of_inode)
        if (watch->inode == inode && watch->instance == instance)
            return watch;
    return NULL;
}

static long change_mask(struct watch *watch, u32 mask)
{
    const u32 kept = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;
    if (mask & IN_MASK_CREATE)
        return -EEXIST;
    watch->mask = (mask & IN_MASK_ADD ? watch->mask : 0) | (mask & kept);
    return watch->number;
}

long notify_watch(struct notify_instance *instance, struct inode *inode, u32 mask)
{
    struct watch *new = kzalloc(sizeof(*new));
    long number;

    if (!new)
        return -ENOMEM;
    mutex_lock(&lock);
    struct watch *watch = find(instance, inode);
    if (watch) {
        number = change_mask(watch, mask);
    } else if (notify_watches >= WATCHES_MAX) {
        number = -ENOSPC;
    } else {
        *new = (struct watch){ .instance = instance, .inode = inode_ref(inode), .number = ++instance->last_number };
        number = change_mask(new, mask & ~(u32)IN_MASK_CREATE);
        list_add_tail(&new->of_inode, bucket_of(inode));
        list_add_tail(&new->of_instance, &instance->watches);
        __atomic_fetch_add(&notify_watches, 1, __ATOMIC_RELAXED);
        new = NULL;
    }
    mutex_unlock(&lock);
    kfree(new);
    return number;
}

long notify_unwatch(struct notify_instance *instance, s32 number)
{
    struct list_head ended = LIST_INIT(ended);
    struct watch *watch, *next;
    bool told = false;

    mutex_lock(&lock);
    list_for_each_safe (watch, next, &instance->watches, of_instance)
        if (watch->number == number)
            end_watch(watch, &ended, &told);
    mutex_unlock(&lock);
    tell(told);
    long err = list_empty(&ended) ? -EINVAL : 0;
    free_ended(&ended);
    return err;
}

long notify_next(struct notify_instance *instance, size_t size, struct inotify_event **ret_event)
{
    long n = 0;

    *ret_event = NULL;
    mutex_lock(&lock);
    struct event *event = list_empty(&instance->events) ? NULL : list_first(&instance->events, struct event, link);
    if (event) {
        n = (long)(sizeof(event->event) + event->name_size);
        if ((size_t)n > size)
            n = -EINVAL;
    }
    if (n > 0) {
        list_del(&event->link);
        instance->count--;
        instance->bytes -= (u64)n;
    }
    mutex_unlock(&lock);
    if (n <= 0)
        return n;
    *ret_event = kmalloc((size_t)n);
    if (*ret_event)
        memcpy(*ret_event, &event->event, (size_t)n);
    kfree(event);
    return *ret_event ? n : -ENOMEM;
}

u64 notify_pending(struct notify_instance *instance)
{
    mutex_lock(&lock);
    u64 bytes = instance->bytes;
    mutex_unlock(&lock);
    return bytes;
}
