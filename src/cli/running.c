// SPDX-License-Identifier: BSD-3-Clause
#include "cli/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/served.h"

enum { PATIENCE_SECONDS = 10 };

static void take_answer(int fd, struct running *running)
{
    struct serve_packet packet = { 0 };

    running->no = "it does not answer";
    while (served_receive(fd, &packet) == 0 && packet.kind != SERVE_ENCLAVE) {
        if (packet.kind != SERVE_PROGRAM)
            continue;
        struct serve_packet *more = realloc(running->programs, (running->count + 1) * sizeof(*more));
        if (!more)
            return;
        running->programs = more;
        more[running->count++] = packet;
    }
    if (packet.kind != SERVE_ENCLAVE)
        return;
    running->enclave = packet;
    running->serves = true;
    running->no = NULL;
}

void running_look(struct running *ret_running)
{
    const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    int fd = served_connect();

    *ret_running = (struct running){ 0 };
    if (fd < 0) {
        if (fd != -ENOENT && fd != -ECONNREFUSED)
            ret_running->no = "it belongs to another user";
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (served_send(fd, (struct serve_packet){ .kind = SERVE_STATUS }, NULL, 0) == 0)
        take_answer(fd, ret_running);
    close(fd);
}

static const char *when(s64 seconds, char text[32])
{
    time_t time = (time_t)seconds;
    struct tm tm;

    if (!localtime_r(&time, &tm) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm))
        text[0] = '\0';
    return text;
}

// The server's list has the last first.
static const struct serve_packet *program(const struct running *running, size_t i)
{
    return &running->programs[running->count - 1 - i];
}

void running_print(const struct running *running)
{
    char text[32];

    if (running->no)
        printf("%-22s may run: %s\n", "enclave", running->no);
    else if (!running->serves)
        printf("%-22s does not run (occlum start)\n", "enclave");
    else
        printf("%-22s runs since %s, process %llu; processes inside: %llu\n", "enclave",
               when(running->enclave.since, text), (unsigned long long)running->enclave.value,
               (unsigned long long)running->enclave.count);
    for (size_t i = 0; i < running->count; i++) {
        const struct serve_packet *one = program(running, i);
        printf("%-22s process %llu inside, since %s: %.*s\n", "program", (unsigned long long)one->value,
               when(one->since, text), (int)sizeof(one->name) - 1, one->name);
    }
}

void running_print_json(const struct running *running)
{
    if (!running->serves) {
        fputs("null", stdout);
        return;
    }
    printf("{\"pid\": %llu, \"since\": %lld, \"processes\": %llu, \"programs\": [",
           (unsigned long long)running->enclave.value, (long long)running->enclave.since,
           (unsigned long long)running->enclave.count);
    for (size_t i = 0; i < running->count; i++) {
        const struct serve_packet *one = program(running, i);
        printf("%s{\"pid\": %llu, \"since\": %lld, \"program\": ", i ? ", " : "", (unsigned long long)one->value,
               (long long)one->since);
        cli_json_string(one->name, strnlen(one->name, sizeof(one->name)));
        putchar('}');
    }
    fputs("]}", stdout);
}
