// SPDX-License-Identifier: BSD-3-Clause
// Instances that watch instances: no circles, and no chain so long that a wake-up, which climbs it, fills a stack.
#include "libos/ipc/epoll_instance.h"

struct mutex epoll_nesting = MUTEX_INIT(LOCK_EPOLL_FILES);

static u64 walk;

// Edges of the longest chain below an instance; more than the maximum: too long, or it leads to target. Each instance
// is looked at once in a walk.
static int below(struct epoll *epoll, const struct epoll *target, int level)
{
    struct epoll_watch *watch;
    int depth = 0;

    if (epoll == target || level > EPOLL_NESTING_MAX)
        return EPOLL_NESTING_MAX + 1;
    if (epoll->visit == walk)
        return epoll->depth;
    list_for_each (watch, &epoll->inner, special)
        depth = MAX(depth, 1 + below(epoll_of(watch->file), target, level + 1));
    epoll->visit = walk;
    return epoll->depth = depth;
}

// Edges of the longest chain above. The watches of an instance's file are all of instances, and stand still.
static int above(struct epoll *epoll, int level)
{
    int height = 0;

    if (level > EPOLL_NESTING_MAX)
        return EPOLL_NESTING_MAX + 1;
    for (struct epoll_watch *watch = epoll->file->watches; watch; watch = watch->next)
        height = MAX(height, 1 + above(watch->epoll, level + 1));
    return height;
}

int epoll_nesting_check(struct epoll *epoll, struct epoll *inner)
{
    walk++;
    int depth = below(inner, epoll, 0);
    if (depth > EPOLL_NESTING_MAX)
        return -ELOOP;
    return depth + 1 + above(epoll, 0) > EPOLL_NESTING_MAX ? -ELOOP : 0;
}
