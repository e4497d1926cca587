// SPDX-License-Identifier: BSD-3-Clause
// Runs with the program's %fs: see threads.h.
#include "loader/host_ahead.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "loader/lock.h"
#include "platform/raw.h"

enum { COOKIES = 1 << 20 }; // as many as there may be descriptors (ocall_marshal_check)

enum grant_state { GRANT_NONE, GRANT_GIVEN, GRANT_USED };

struct grant {
    u64 cookie;
    u32 number; // the last one given, used or taken back
    u32 state;  // enum grant_state
    int fd;
};

static struct loader_lock lock;
static struct grant *grants; // by the index in the cookie, its lower half; guarded by lock

int host_ahead_init(void)
{
    s64 at = RAW(SYS_mmap, NULL, COOKIES * sizeof(*grants), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0 && at > -4096)
        return (int)at;
    grants = (struct grant *)at;
    return 0;
}

// Lock held. NULL: there is none of that cookie.
static struct grant *find(u64 cookie)
{
    u32 index = (u32)cookie;
    return cookie && index < COOKIES && grants[index].cookie == cookie ? &grants[index] : NULL;
}

s64 host_ahead_revoke(const struct host_ahead *ahead)
{
    s64 err = 0;

    loader_lock(&lock);
    struct grant *grant = find(ahead->cookie);
    if (grant && grant->state == GRANT_USED && grant->number > ahead->seen) {
        err = -EALREADY;
    } else if (grant && grant->number <= ahead->revoke) {
        grant->state = GRANT_NONE;
        grant->number = ahead->revoke; // a thread that is late with it gives it in vain
    }
    loader_unlock(&lock);
    return err;
}

void host_ahead_grant(int fd, u64 cookie, u32 number)
{
    u32 index = (u32)cookie;

    if (!number || !cookie || index >= COOKIES)
        return;
    loader_lock(&lock);
    struct grant *grant = &grants[index];
    if (grant->cookie != cookie || number > grant->number)
        *grant = (struct grant){ cookie, number, GRANT_GIVEN, fd };
    loader_unlock(&lock);
}

void host_ahead_close(int fd, u64 cookie)
{
    loader_lock(&lock);
    struct grant *grant = find(cookie);
    if (grant)
        *grant = (struct grant){ 0 };
    RAW(SYS_close, fd);
    loader_unlock(&lock);
}

// Errors, ends and urgent data are the enclave's own to find.
static bool has_data_only(u32 events) { return (events & (POLLIN | POLLPRI | POLLERR | POLLHUP)) == POLLIN; }

void host_ahead_read(struct host_event *event, void *data, size_t room)
{
    if (!has_data_only(event->events) || !room)
        return;
    loader_lock(&lock);
    struct grant *grant = find(event->cookie);
    if (grant && grant->state == GRANT_GIVEN) {
        s64 n = RAW(SYS_recvfrom, grant->fd, data, room, MSG_DONTWAIT, NULL, NULL);
        if (n > 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
            grant->state = GRANT_USED;
            event->got = (s32)n;
            event->number = grant->number;
            event->more = n == (s64)room;
        }
    }
    loader_unlock(&lock);
}
