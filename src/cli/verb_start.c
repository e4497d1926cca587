// SPDX-License-Identifier: BSD-3-Clause
// `occlum start`: a process of its own that holds the enclave, and the wait for it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/enclave.h"
#include "cli/served.h"
#include "cli/verbs.h"
#include "loader/serve.h"

const char help_start[] =
    "Starts the enclave without a program and returns when it serves: then occlum exec runs programs in it, as many "
    "as\n"
    "there are threads, until occlum stop. There is one at a time for each instance. The enclave belongs to the user "
    "who\n"
    "started it; nobody else can use it. What it and the library OS have to say goes to " SERVE_LOG ".\n\n"
    "options:\n"
    "  -f, --foreground         do not go to the background, and say everything on stderr; SIGTERM, SIGINT, SIGHUP and "
    "SIGQUIT stop it in\n"
    "                           order, a second one at once\n"
    "      --ready-fd N         write a newline to descriptor N when it serves (with --foreground)\n"
    "  -e, --emulate, --emulate-options=OPTS, -r, --report[=FILE.json], --image-key FILE\n"
    "                           as of occlum run; a report as a table comes in the log\n\n"
    "exit status:  0 it serves (with --foreground: it was stopped), 125 it could not start, 1 the instance is not "
    "built,\n"
    "              or an enclave of it runs already\n\n"
    "environment:  as of occlum run\n";

enum { SLOW_MS = 3000, LOCK_TRIES = 20, LOCK_PAUSE_US = 100000, STOP_SECONDS = 10 };

struct start {
    struct enclave_request request;
    bool foreground;
    const char *ready_fd;
};

static int make_folders(void)
{
    if (make_folder("run"))
        return STATUS_ERROR;
    if (mkdir(SERVE_FOLDER, 0700) != 0 && errno != EEXIST)
        return cli_error("folder %s cannot be made: %s", SERVE_FOLDER, strerror(errno));
    return STATUS_OK;
}

static int already(void) { return cli_error("an enclave of this instance runs already (occlum status, occlum stop)"); }

static bool serves(void)
{
    int fd = served_connect();
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

// Makes this process the one that serves the instance, for as long as it lives. One that is just ending is waited for.
static int take_lock(void)
{
    int fd = open(SERVE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return cli_error("%s: %s", SERVE_LOCK, strerror(errno));
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return STATUS_OK;
        if (serves())
            break;
        usleep(LOCK_PAUSE_US);
    }
    close(fd);
    return already();
}

// The enclave on this process, to its end.
static int serve_here(const struct start *start)
{
    static char *const none[] = { NULL };
    struct loader_serve serve = { .ready_fd = -1, .stop_seconds = STOP_SECONDS };
    struct loader_options options;

    if (start->ready_fd)
        serve.ready_fd = atoi(start->ready_fd);
    int status = enclave_prepare(&start->request, &options); // may go on under the emulator
    if (!status)
        status = take_lock();
    if (status)
        return status;
    if (serve.ready_fd >= 0)
        (void)fcntl(serve.ready_fd, F_SETFD, FD_CLOEXEC);
    options.argv = options.envp = none;
    options.serve = &serve;
    status = loader_run(&options);
    fflush(NULL);
    _exit(status < 0 ? STATUS_LOADER : enclave_exit_status(status));
}

// --- in the background

// The last log is kept beside the new one.
static int open_log(void)
{
    (void)rename(SERVE_LOG, SERVE_LOG ".old");
    return open(SERVE_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

// Becomes `start --foreground` in a session of its own, without the caller's terminal and streams.
static _Noreturn void become_server(struct start *start, int log, int ready)
{
    static char number[32];
    int argc = start->request.argc, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char **argv = calloc((size_t)argc + 3, sizeof(char *));

    if (null < 0 || !argv || setsid() < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(STATUS_LOADER);
    (void)fcntl(ready, F_SETFD, 0); // it goes along to the emulator
    snprintf(number, sizeof(number), "--ready-fd=%d", ready);
    argv[0] = start->request.argv[0];
    argv[1] = (char *)"--foreground";
    argv[2] = number;
    memcpy(argv + 3, start->request.argv + 1, (size_t)(argc - 1) * sizeof(char *));
    start->request.argv = argv;
    start->request.argc = argc + 2;
    start->ready_fd = number + strlen("--ready-fd=");
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    _exit(serve_here(start));
}

// What the server said, which went to the log.
static void show_log(void)
{
    size_t size;
    char *text = read_whole_file(SERVE_LOG, &size);

    if (text)
        fwrite(text, 1, size, stderr);
    free(text);
}

static int wait_until_ready(pid_t server, int ready)
{
    struct pollfd fds = { .fd = ready, .events = POLLIN };
    int wait_status;
    char byte;

    while (poll(&fds, 1, SLOW_MS) <= 0)
        cli_note("still starting; it says more in %s", SERVE_LOG);
    if (read(ready, &byte, 1) == 1)
        return STATUS_OK;
    while (waitpid(server, &wait_status, 0) < 0)
        if (errno != EINTR)
            return STATUS_LOADER;
    show_log();
    int status = WIFSIGNALED(wait_status) ? STATUS_LOADER : WEXITSTATUS(wait_status);
    if (WIFSIGNALED(wait_status))
        cli_error("the enclave's process was ended by signal %d", WTERMSIG(wait_status));
    return status ? status : STATUS_LOADER;
}

// Where the caller closed standard streams, what is opened next shall not take their place.
static void fill_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < 3);
    close(fd);
}

static int serve_behind(struct start *start)
{
    int ready[2], log;

    fill_streams();
    log = open_log();
    if (log < 0)
        return cli_error("%s: %s", SERVE_LOG, strerror(errno));
    if (pipe2(ready, O_CLOEXEC) != 0)
        return cli_error("start: %s", strerror(errno));
    fflush(NULL);
    pid_t server = fork();
    if (server < 0)
        return cli_error("start: %s", strerror(errno));
    if (server == 0) {
        close(ready[0]);
        become_server(start, log, ready[1]);
    }
    close(ready[1]);
    return wait_until_ready(server, ready[0]);
}

int verb_start(int argc, char **argv)
{
    struct start start = { .request = { .argc = argc, .argv = argv } };
    const struct cli_option options[] = {
        { "foreground", 'f', NULL, &start.foreground },
        { "ready-fd", 0, &start.ready_fd, NULL },
        { "emulate", 'e', NULL, &start.request.emulate },
        { "emulate-options", 0, &start.request.emulate_options, NULL },
        { "report", 'r', &start.request.report_path, &start.request.report },
        { "image-key", 0, &start.request.key_path, NULL },
    };

    int first = cli_parse(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first < argc)
        return cli_usage("start takes no program: occlum exec runs it then. See: occlum start --help");
    if (start.ready_fd && (!start.foreground || !*start.ready_fd || strspn(start.ready_fd, "0123456789") > 6 ||
                           start.ready_fd[strspn(start.ready_fd, "0123456789")]))
        return cli_usage("start: --ready-fd needs the number of a descriptor, and --foreground");
    if (!instance_check())
        return STATUS_ERROR;
    int status = make_folders();
    if (status)
        return status;
    if (serves())
        return already();
    return start.foreground ? serve_here(&start) : serve_behind(&start);
}
