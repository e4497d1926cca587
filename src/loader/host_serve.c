// SPDX-License-Identifier: BSD-3-Clause
// Host calls of an enclave that serves. Runs with the program's %fs: see threads.h.
#include <errno.h>
#include <sys/socket.h>

#include "loader/ocall_handlers.h"
#include "loader/serve.h"
#include "loader/threads.h"
#include "platform/raw.h"

struct serve_table serve_table = { .stop_seconds = -1, .ready_fd = -1, .wake = -1 };

static struct serve_client *find(u64 id)
{
    struct serve_client *client = serve_table.clients;
    while (client && client->id != id)
        client = client->next;
    return client;
}

static bool take_exec(struct serve_client *client, struct host_request *request)
{
    if (client->state != SERVE_QUEUED)
        return false;
    client->state = SERVE_TAKEN;
    request->kind = HOST_REQUEST_EXEC;
    for (int i = 0; i < 3; i++) {
        request->fds[i] = client->streams[i];
        client->streams[i] = -1; // the enclave's now
    }
    request->argv_size = client->argv_size;
    request->envp_size = client->envp_size;
    request->cwd_size = client->folder_size;
    return true;
}

static bool take_signal(struct serve_client *client, struct host_request *request)
{
    if (!client->signals || client->state < SERVE_TAKEN)
        return false;
    request->kind = HOST_REQUEST_SIGNAL;
    request->value = __builtin_ctzll(client->signals) + 1;
    client->signals &= client->signals - 1;
    return true;
}

static bool take_count(struct serve_client *client, struct host_request *request)
{
    if (!client->asks_count)
        return false;
    client->asks_count = false;
    request->kind = HOST_REQUEST_COUNT;
    return true;
}

s64 host_serve_take(struct host_thread *self, struct host_request *request)
{
    bool taken = false;

    *request = (struct host_request){ 0 };
    loader_lock(&serve_table.lock);
    for (struct serve_client *client = serve_table.clients; client && !taken; client = client->next) {
        taken = take_exec(client, request) || take_signal(client, request) || take_count(client, request);
        request->client = client->id;
    }
    if (!taken && serve_table.stop_seconds >= 0) {
        request->kind = HOST_REQUEST_STOP;
        request->value = (s32)serve_table.stop_seconds;
        serve_table.stop_seconds = -1;
        taken = true;
    }
    loader_unlock(&serve_table.lock);
    return taken;
}

s64 host_serve_text(struct host_thread *self, u64 id, u64 offset, void *buf, size_t len)
{
    s64 n = -ESRCH;

    loader_lock(&serve_table.lock);
    struct serve_client *client = find(id);
    if (client && client->text) {
        u64 size = (u64)client->argv_size + client->envp_size + client->folder_size;
        n = offset < size ? (s64)MIN(len, size - offset) : 0;
        __builtin_memcpy(buf, client->text + offset, (size_t)n);
    }
    loader_unlock(&serve_table.lock);
    return n;
}

static void wake_server(void)
{
    const u64 one = 1;
    RAW(SYS_write, serve_table.wake, &one, sizeof(one));
}

// What a client that does not read misses is its own loss.
static void send_news(struct serve_client *client, enum serve_kind kind, u64 value)
{
    const struct serve_packet packet = { .protocol = SERVE_PROTOCOL, .kind = kind, .value = value };
    if (client->fd >= 0)
        RAW(SYS_sendto, client->fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
}

static void tell(struct serve_client *client, u32 news, u64 value)
{
    switch (news) {
    case HOST_NEWS_STARTED:
        client->state = SERVE_RUNNING;
        client->pid = value;
        send_news(client, SERVE_STARTED, value);
        break;
    case HOST_NEWS_STOPPED:
        send_news(client, SERVE_STOPPED, 0);
        break;
    case HOST_NEWS_ENDED:
    case HOST_NEWS_REFUSED:
        client->state = SERVE_OVER;
        send_news(client, news == HOST_NEWS_ENDED ? SERVE_ENDED : SERVE_REFUSED, value);
        break;
    case HOST_NEWS_COUNT:
        client->counted = true;
        client->count = value;
        break;
    default:
        break;
    }
}

static s64 ready(void)
{
    if (serve_table.ready_fd >= 0) {
        RAW(SYS_write, serve_table.ready_fd, "\n", 1);
        RAW(SYS_close, serve_table.ready_fd);
    }
    serve_table.ready_fd = -1;
    return 0;
}

s64 host_serve_tell(struct host_thread *self, u64 id, u32 news, u64 value)
{
    if (news == HOST_NEWS_READY)
        return ready();
    loader_lock(&serve_table.lock);
    struct serve_client *client = find(id);
    if (client)
        tell(client, news, value);
    loader_unlock(&serve_table.lock);
    if (client && news != HOST_NEWS_STOPPED)
        wake_server();
    return 0;
}
