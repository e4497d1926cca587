// SPDX-License-Identifier: BSD-3-Clause
// Contexts of native asynchronous I/O. Their id is an address of the program's, as on Linux, where a ring of events
// lies that libraries read if they find its magic number; here a page of zeros is there, so that they ask
// io_getevents(2).
#include "libos/process/aio.h"

#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum {
    EVENTS_MOST = 65536, // fs.aio-max-nr
    EVENTS_LEAST = 64,   // room there is for more than was asked for, as on Linux
    EVENTS_REFUSED = 0x10000000 / sizeof(struct io_event),
};

static struct aio_context *find(u64 id)
{
    struct aio_context *context;
    mutex_assert_held(&process_lock);
    list_for_each (context, &current_process()->aio, link)
        if (context->id == id)
            return context;
    return NULL;
}

struct aio_context *aio_get(u64 id)
{
    mutex_lock(&process_lock);
    struct aio_context *context = find(id);
    if (context)
        context->refs++;
    mutex_unlock(&process_lock);
    return context;
}

void aio_put(struct aio_context *context)
{
    mutex_lock(&process_lock);
    bool last = --context->refs == 0;
    mutex_unlock(&process_lock);
    if (last)
        kfree(context);
}

bool aio_reserve(struct aio_context *context)
{
    mutex_lock(&process_lock);
    bool room = context->count < context->max && !context->destroyed;
    context->count += room;
    context->coming += room;
    mutex_unlock(&process_lock);
    return room;
}

void aio_complete(struct aio_context *context, const struct io_event *event)
{
    mutex_lock(&process_lock);
    u32 there = context->count - context->coming;
    context->coming--;
    if (event)
        context->events[(context->first + there) % context->max] = *event;
    else
        context->count--;
    mutex_unlock(&process_lock);
    wake_up_all(&context->changed);
}

int aio_take(struct aio_context *context, struct io_event *ret_event)
{
    mutex_lock(&process_lock);
    int found = context->destroyed ? -EINVAL : context->count > context->coming;
    if (found > 0) {
        *ret_event = context->events[context->first];
        context->first = (context->first + 1) % context->max;
        context->count--;
    }
    mutex_unlock(&process_lock);
    return found;
}

// The page that stands for the ring.
static s64 map_ring(void)
{
    struct vm_map_args args = { .len = PAGE_SIZE, .prot = PROT_READ, .flags = MAP_PRIVATE | MAP_ANONYMOUS };
    return vm_map(current->mm, &args);
}

long sys_io_setup(u32 count, u64 __user *user)
{
    u64 id;

    if (get_user(id, user))
        return -EFAULT;
    if (id || !count || count > EVENTS_REFUSED)
        return -EINVAL;
    if (count > EVENTS_MOST)
        return -EAGAIN;
    u32 max = MAX(count, (u32)EVENTS_LEAST);
    struct aio_context *context = kzalloc(sizeof(*context) + max * sizeof(context->events[0]));
    if (!context)
        return -ENOMEM;
    s64 at = map_ring();
    if (at < 0) {
        kfree(context);
        return at;
    }
    context->id = (u64)at;
    context->refs = 1;
    context->max = max;
    wait_queue_init(&context->changed);
    mutex_lock(&process_lock);
    list_add_tail(&context->link, &current_process()->aio);
    mutex_unlock(&process_lock);
    if (put_user(context->id, user)) {
        (void)sys_io_destroy((u64)at);
        return -EFAULT;
    }
    return 0;
}

long sys_io_destroy(u64 id)
{
    mutex_lock(&process_lock);
    struct aio_context *context = find(id);
    if (context) {
        list_del(&context->link);
        context->destroyed = true;
    }
    mutex_unlock(&process_lock);
    if (!context)
        return -EINVAL;
    wake_up_all(&context->changed);
    // Requests are served as they are submitted: whoever submits meanwhile has its own reference.
    int err = vm_unmap(current->mm, id, PAGE_SIZE);
    aio_put(context);
    return err == -EINVAL ? 0 : err; // the program may have unmapped it itself
}
