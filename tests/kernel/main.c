// SPDX-License-Identifier: BSD-3-Clause
// One run of the bench: boots the LibOS in this process, runs one program as its first process, and says how it went.
// The exit status is the program's, or BENCH_EXIT_FAULT.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "lies.h"
#include "platform.h"

struct bench_options bench_options = { .threads = 4, .seconds = 5, .seed = 1 };

// So long without a system call, except of the main thread, which wakes the others, and the report says what each does.
static void *watch(void *arg)
{
    const char *given = getenv("BENCH_HANG_SECONDS");
    u64 last = 0, quiet = 0, limit = given ? strtoull(given, NULL, 10) : 60;

    for (;;) {
        u64 sum = 0, operations;
        for (u64 slot = 1; slot < BENCH_SLOTS; slot++) {
            machine_activity(slot, &operations);
            sum += operations;
        }
        quiet = sum == last && !bench_options.invent ? quiet + 1 : 0; // stubs make no system calls
        last = sum;
        if (quiet == limit)
            break;
        sleep(1);
    }
    for (u64 slot = 0; slot < BENCH_SLOTS; slot++) {
        u64 operations, call = machine_activity(slot, &operations);
        if (call)
            bench_print("slot %llu: in system call %lld after %llu\n", (unsigned long long)slot, (long long)call - 1,
                        (unsigned long long)operations);
    }
    if (getenv("BENCH_STOP_ON_HANG"))
        pause(); // for a debugger
    bench_fail("nothing moved for %llu seconds", (unsigned long long)limit);
    return arg;
}

static void usage(void)
{
    fprintf(stderr, "usage: bench --host FOLDER [--seed N] [--seconds N] [--operations N] [--threads N] [--lies N] "
                    "[--without CALL,...] [--native] "
                    "[--strict] [--verbose] PROGRAM [ARGUMENT...]\n");
    exit(2);
}

static u64 number(const char *text)
{
    char *end;
    u64 value = text ? strtoull(text, &end, 0) : 0;
    if (!text || !*text || *end)
        usage();
    return value;
}

static char **parse(char **argv)
{
    struct bench_options *o = &bench_options;

    for (argv++; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
        const char *name = *argv + 2;
        bool *flag = strcmp(name, "native") == 0    ? &o->native
                     : strcmp(name, "verbose") == 0 ? &o->verbose
                     : strcmp(name, "strict") == 0  ? &o->strict
                                                    : NULL;
        if (flag) {
            *flag = true;
            continue;
        }
        const char *value = *++argv;
        if (!value)
            usage();
        if (strcmp(name, "host") == 0)
            o->host_path = value;
        else if (strcmp(name, "without") == 0)
            o->without = value;
        else if (strcmp(name, "seed") == 0)
            o->seed = number(value);
        else if (strcmp(name, "seconds") == 0)
            o->seconds = number(value);
        else if (strcmp(name, "operations") == 0)
            o->operations = number(value);
        else if (strcmp(name, "threads") == 0)
            o->threads = (u32)number(value);
        else if (strcmp(name, "lies") == 0)
            o->lies = (u32)number(value);
        else
            usage();
    }
    if (!*argv || !o->host_path)
        usage();
    return argv;
}

int main(int argc, char **argv)
{
    char path[64];
    pthread_t watcher;

    char **words = parse(argv);
    if (bench_options.native)
        return native_run((const char *const *)words);
    snprintf(path, sizeof(path), "/bin/%s", words[0]);
    words[0] = path;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        return 1;
    int status = platform_run((const char *const *)words);
    if (status < 0 || WIFSIGNALED(status))
        bench_print("BENCH: the first process ended with wait status %#x\n", (unsigned)status);
    _exit(status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status)
                                           : BENCH_EXIT_FAULT); // threads of the LibOS may still be on their way
}
