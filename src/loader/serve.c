// SPDX-License-Identifier: BSD-3-Clause
// The thread that serves the socket of `occlum start`.
#include "loader/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/threads.h"

// CLIENTS_MOST: at a time. PATIENCE: seconds from the end of a stop's time until the enclave has ended: what it may
// need itself (libos/process/serve.c, shutdown.c) and some.
enum { CLIENTS_MOST = 1000, PATIENCE = 20, SEND_SECONDS = 2, STACK = 256 << 10 };

static int listener = -1, signals = -1;
static u32 stop_seconds; // for signals
static u64 last_id, count;
static time_t give_up; // CLOCK_MONOTONIC seconds; 0: no stop was asked for
static s64 begun;

static time_t seconds_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec;
}

// Process 1 sits at slot 0.
static void tell_enclave(void)
{
    __atomic_fetch_or(&loader_page.host_signals, 1ull << HOST_SIGNAL_REQUEST, __ATOMIC_SEQ_CST);
    threads_interrupt(0);
}

static void stop(u64 seconds)
{
    seconds = MIN(seconds, (u64)INT32_MAX);
    loader_lock(&serve_table.lock);
    if (serve_table.stop_seconds < 0 || (u64)serve_table.stop_seconds > seconds)
        serve_table.stop_seconds = (s64)seconds;
    loader_unlock(&serve_table.lock);
    time_t until = seconds_now(CLOCK_MONOTONIC) + (time_t)seconds + PATIENCE;
    if (!give_up || until < give_up)
        give_up = until;
    tell_enclave();
}

static void send_packet(int fd, struct serve_packet packet)
{
    packet.protocol = SERVE_PROTOCOL;
    (void)!send(fd, &packet, sizeof(packet), MSG_NOSIGNAL); // for SEND_SECONDS at most
}

static void deny(int fd, const char *why)
{
    struct serve_packet packet = { .kind = SERVE_DENIED };
    snprintf(packet.name, sizeof(packet.name), "%s", why);
    send_packet(fd, packet);
}

// --- requests

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static char *read_words(int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t done = 0;

    while (text && done < size) {
        ssize_t n = pread(fd, text + done, size - done, (off_t)done);
        if (n <= 0) {
            free(text);
            return NULL;
        }
        done += (size_t)n;
    }
    return text;
}

// Takes over the descriptors. NULL, or why not.
static const char *queue_exec(struct serve_client *client, const struct serve_packet *packet, int *fds, size_t n)
{
    size_t at = 0, expected = 1 + (size_t)__builtin_popcount(packet->streams & 7);

    if (client->state != SERVE_NEW || n != expected || packet->argv_size > SERVE_WORDS_MOST ||
        packet->envp_size > SERVE_WORDS_MOST || packet->folder_size > SERVE_FOLDER_MOST) {
        close_all(fds, n);
        return "this request cannot be";
    }
    char *text = read_words(fds[n - 1], (size_t)packet->argv_size + packet->envp_size + packet->folder_size);
    close(fds[n - 1]);
    if (!text) {
        close_all(fds, n - 1);
        return "the words of the request cannot be read";
    }
    loader_lock(&serve_table.lock);
    client->text = text;
    client->argv_size = packet->argv_size;
    client->envp_size = packet->envp_size;
    client->folder_size = packet->folder_size;
    for (int i = 0; i < 3; i++)
        client->streams[i] = packet->streams & (1u << i) ? fds[at++] : -1;
    client->since = seconds_now(CLOCK_REALTIME);
    snprintf(client->name, sizeof(client->name), "%.*s", (int)packet->argv_size, text);
    client->state = SERVE_QUEUED;
    loader_unlock(&serve_table.lock);
    tell_enclave();
    return NULL;
}

static void queue_signal(struct serve_client *client, u64 signo)
{
    if (signo < 1 || signo > 64)
        return;
    loader_lock(&serve_table.lock);
    client->signals |= 1ull << (signo - 1);
    loader_unlock(&serve_table.lock);
    tell_enclave();
}

static void queue_count(struct serve_client *client)
{
    loader_lock(&serve_table.lock);
    client->asks_count = true;
    loader_unlock(&serve_table.lock);
    tell_enclave();
}

static const char *obey(struct serve_client *client, const struct serve_packet *packet, int *fds, size_t n)
{
    if (packet->protocol != SERVE_PROTOCOL) {
        close_all(fds, n);
        return "the enclave was started by another version of occlum. Stop it with that one";
    }
    if (packet->kind == SERVE_EXEC)
        return queue_exec(client, packet, fds, n);
    close_all(fds, n);
    switch (packet->kind) {
    case SERVE_SIGNAL:
        queue_signal(client, packet->value);
        return NULL;
    case SERVE_STATUS:
        queue_count(client);
        return NULL;
    case SERVE_STOP:
        stop(packet->value);
        return NULL;
    default:
        return "this request is not known";
    }
}

// --- connections

// The end of a client: its program hears that the line is gone; one that was not begun never will be.
static void hang_up(struct serve_client *client)
{
    loader_lock(&serve_table.lock);
    close(client->fd);
    client->fd = -1;
    client->asks_count = false;
    bool running = client->state == SERVE_TAKEN || client->state == SERVE_RUNNING;
    if (running)
        client->signals |= 1ull << (SIGHUP - 1) | 1ull << (SIGCONT - 1);
    else
        client->state = SERVE_OVER;
    loader_unlock(&serve_table.lock);
    if (running)
        tell_enclave();
}

static void receive(struct serve_client *client)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct serve_packet packet;
    struct iovec piece = { &packet, sizeof(packet) };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    int fds[4];
    size_t n = 0;

    ssize_t got = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(client);
        return;
    }
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), n * sizeof(int));
    }
    if (got != (ssize_t)sizeof(packet) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        packet.protocol = 0;
    const char *why = obey(client, &packet, fds, n);
    if (!why)
        return;
    deny(client->fd, why);
    hang_up(client);
}

static void accept_client(void)
{
    const struct timeval limit = { .tv_sec = SEND_SECONDS };
    struct ucred peer = { .uid = (uid_t)-1 };
    socklen_t size = sizeof(peer);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    bool owner = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
    struct serve_client *client = owner && count < CLIENTS_MOST ? calloc(1, sizeof(*client)) : NULL;
    if (!client) {
        deny(fd, owner ? "too many clients" : "only the user who started the enclave may use it");
        close(fd);
        return;
    }
    *client = (struct serve_client){ .id = ++last_id, .fd = fd, .streams = { -1, -1, -1 } };
    count++;
    loader_lock(&serve_table.lock);
    client->next = serve_table.clients;
    serve_table.clients = client;
    loader_unlock(&serve_table.lock);
}

// Answers a STATUS. The list is changed by this thread alone.
static void send_status(const struct serve_client *to)
{
    struct serve_packet packet;

    for (const struct serve_client *client = serve_table.clients; client; client = client->next) {
        if (client->state != SERVE_RUNNING)
            continue;
        packet = (struct serve_packet){ .kind = SERVE_PROGRAM, .value = client->pid, .since = client->since };
        memcpy(packet.name, client->name, sizeof(packet.name));
        send_packet(to->fd, packet);
    }
    packet = (struct serve_packet){ .kind = SERVE_ENCLAVE, .value = (u64)getpid(), .since = begun, .count = to->count };
    send_packet(to->fd, packet);
}

// What the enclave told: answers, words that are no longer needed, clients whose program is over.
static void see_to_clients(void)
{
    struct serve_client **link = &serve_table.clients;
    u64 ignored;

    (void)!read(serve_table.wake, &ignored, sizeof(ignored));
    while (*link) {
        struct serve_client *client = *link;
        if (client->counted && client->fd >= 0)
            send_status(client);
        loader_lock(&serve_table.lock);
        client->counted = false;
        bool over = client->state == SERVE_OVER;
        char *text = client->state >= SERVE_RUNNING ? client->text : NULL;
        if (text)
            client->text = NULL;
        if (over)
            *link = client->next;
        loader_unlock(&serve_table.lock);
        free(text);
        if (!over) {
            link = &client->next;
            continue;
        }
        close_all(client->streams, 3);
        close_all(&client->fd, 1);
        free(client);
        count--;
    }
}

static void take_signal(void)
{
    static bool asked;
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGUSR1) {
        if (report_wanted()) {
            __atomic_fetch_or(&loader_page.host_signals, 1ull << HOST_SIGNAL_REPORT, __ATOMIC_SEQ_CST);
            threads_interrupt(0);
        }
        return;
    }
    stop(asked ? 0 : stop_seconds); // twice: now
    asked = true;
}

static void *serve(void *arg)
{
    enum { FIXED = 3 };
    static struct pollfd fds[FIXED + CLIENTS_MOST];
    static struct serve_client *of[FIXED + CLIENTS_MOST];

    for (;;) {
        nfds_t n = FIXED;
        fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = serve_table.wake, .events = POLLIN };
        fds[2] = (struct pollfd){ .fd = signals, .events = POLLIN };
        for (struct serve_client *client = serve_table.clients; client; client = client->next) {
            of[n] = client;
            fds[n++] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
        }
        (void)poll(fds, n, give_up ? 500 : -1);
        if (give_up && seconds_now(CLOCK_MONOTONIC) >= give_up) {
            fprintf(stderr, "occlum: the enclave does not end: stopped as it is\n");
            _exit(125);
        }
        for (nfds_t i = FIXED; i < n; i++)
            if (fds[i].revents && of[i]->fd >= 0)
                receive(of[i]);
        if (fds[2].revents)
            take_signal();
        if (fds[0].revents)
            accept_client();
        see_to_clients();
    }
    return arg;
}

// --- the beginning

static int take_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals < 0 ? -errno : 0;
}

// Whoever comes here holds SERVE_LOCK: what is at the place was left by one that is dead.
static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int err = listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
                      listen(listener, SOMAXCONN) != 0
                  ? -errno
                  : 0;
    umask(mask);
    if (err)
        fprintf(stderr, "occlum: %s: %s\n", path, strerror(-err));
    return err;
}

static int start_thread(void)
{
    pthread_attr_t attr;
    pthread_t id;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    int err = pthread_create(&id, &attr, serve, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}

int serve_init(const struct loader_serve *options)
{
    struct rlimit files;

    serve_table.ready_fd = options->ready_fd;
    stop_seconds = options->stop_seconds;
    begun = seconds_now(CLOCK_REALTIME);
    // Each program brings up to five descriptors.
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    serve_table.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (serve_table.wake < 0)
        return -errno;
    int err = take_signals();
    if (!err)
        err = listen_at(SERVE_SOCKET);
    return err ? err : start_thread();
}

void serve_done(void) { unlink(SERVE_SOCKET); }
