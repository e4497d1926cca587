// SPDX-License-Identifier: BSD-3-Clause
// The host's side of an enclave that serves: the socket, its clients, and what they want of the enclave.
#pragma once

#include "loader/lock.h"
#include "loader/serve_protocol.h"

struct loader_serve {
    int ready_fd;     // gets a newline when the enclave serves, and is closed; -1: none
    u32 stop_seconds; // that programs have after SIGTERM when this process gets SIGTERM, SIGINT, SIGHUP or SIGQUIT
};

enum serve_state { SERVE_NEW, SERVE_QUEUED, SERVE_TAKEN, SERVE_RUNNING, SERVE_OVER };

// A connection, and the program that runs for it. Guarded by serve_table.lock.
struct serve_client {
    struct serve_client *next;
    u64 id;
    int fd; // -1: the client is gone
    enum serve_state state;
    char *text; // words of its request, until the program has started
    u32 argv_size, envp_size, folder_size;
    int streams[3];
    u64 signals; // bit n-1: signal n waits to be taken
    bool asks_count, counted;
    u64 count;
    u64 pid;
    s64 since;
    char name[SERVE_NAME];
};

struct serve_table {
    struct loader_lock lock;
    struct serve_client *clients;
    s64 stop_seconds; // a request to stop waits to be taken; -1: none
    int ready_fd;
    int wake; // eventfd: the enclave told something that the server's thread is to see to
};
extern struct serve_table serve_table;

// Listens at SERVE_SOCKET and starts the thread that serves it. Signals are taken here then: those that end stop the
// enclave in order. Before other threads are made. 0, or -errno after a message.
int serve_init(const struct loader_serve *options);
// The enclave has ended: nobody finds the socket any more.
void serve_done(void);
