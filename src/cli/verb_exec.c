// SPDX-License-Identifier: BSD-3-Clause
// `occlum exec`: asks the enclave for a program, and stands for it towards its caller: signals go in, stops and the
// exit status come out. The streams are the caller's own, passed along.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/enclave.h"
#include "cli/served.h"
#include "cli/verbs.h"
#include "loader/messages.h"

const char help_exec[] =
    "Runs PROGRAM, an absolute path inside the image that entry_points of Occlum.json allows, in the enclave that\n"
    "occlum start began. Standard input, output, error and the terminal are the caller's, signals to this command\n"
    "(SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2) go to the program as with "
    "occlum run.\n\n"
    "options:\n"
    "  -w, --workdir FOLDER   the folder inside where the program begins (/)\n\n"
    "exit status:  that of the program; 128+N when signal N killed it;\n"
    "              126 when entry_points does not allow it or it cannot be executed, 127 when it is not there,\n"
    "              125 when no enclave runs, or it ended with the program\n\n"
    "When this command ends before the program, its terminal is gone for the program, and it gets SIGHUP, which ends "
    "it "
    "unless it\nhandles or ignores that; then it runs on until it ends or occlum stop.\n"
    "The program's environment is env.default of Occlum.json, and of the caller's only what env.untrusted names.\n";

extern char **environ;

// Appends a word with its NUL to a file. Bytes, or -1.
static long write_word(int fd, const char *word)
{
    size_t size = strlen(word) + 1;
    return write(fd, word, size) == (ssize_t)size ? (long)size : -1;
}

// The same with a list.
static long write_words(int fd, char *const *list)
{
    long total = 0;

    for (size_t i = 0; list[i]; i++) {
        long size = write_word(fd, list[i]);
        if (size < 0)
            return -1;
        total += size;
    }
    return total;
}

static int too_big(void)
{
    cli_error("too many arguments, or too large an environment");
    return STATUS_NOT_PERMITTED;
}

// Bit n: descriptor n is open. Asked before this command opens anything itself.
static u32 open_streams(void)
{
    u32 streams = 0;

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            streams |= 1u << fd;
    return streams;
}

// Sends the request. 0, or an exit status after a message.
static int ask(int socket, u32 streams, char *const *argv, const char *folder)
{
    struct serve_packet packet = { .kind = SERVE_EXEC, .streams = streams };
    int fds[4], n = 0, words = memfd_create("occlum-exec", MFD_CLOEXEC);

    long argv_size = write_words(words, argv), envp_size = write_words(words, environ);
    long folder_size = write_word(words, folder);
    if (words < 0 || argv_size < 0 || envp_size < 0 || folder_size < 0) {
        cli_error("the request cannot be written down: %s", strerror(errno));
        return STATUS_LOADER;
    }
    if (argv_size > SERVE_WORDS_MOST || envp_size > SERVE_WORDS_MOST || folder_size > SERVE_FOLDER_MOST)
        return too_big();
    packet.argv_size = (u32)argv_size;
    packet.envp_size = (u32)envp_size;
    packet.folder_size = (u32)folder_size;
    for (int fd = 0; fd < 3; fd++)
        if (streams & (1u << fd))
            fds[n++] = fd;
    fds[n++] = words;
    int err = served_send(socket, packet, fds, (size_t)n);
    close(words);
    if (err)
        cli_error("the enclave cannot be asked: %s", strerror(-err));
    return err ? STATUS_LOADER : 0;
}

// The signals that go to the program; one that the caller ignores (nohup) stays ignored.
static int take_signals(void)
{
    static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        struct sigaction old;
        if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaddset(&set, passed_on[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void pass_on(int socket, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) == sizeof(info))
        (void)served_send(socket, (struct serve_packet){ .kind = SERVE_SIGNAL, .value = info.ssi_signo }, NULL, 0);
}

// True: *ret_status is this command's.
static bool over(int socket, const char *program, int *ret_status)
{
    struct serve_packet packet = { 0 };

    if (served_receive(socket, &packet)) {
        if (packet.kind != SERVE_DENIED)
            cli_error("%s: the enclave ended", program);
        *ret_status = STATUS_LOADER;
        return true;
    }
    switch (packet.kind) {
    case SERVE_STOPPED:
        raise(SIGSTOP);
        return false;
    case SERVE_ENDED:
        *ret_status = enclave_exit_status((int)packet.value);
        return true;
    case SERVE_REFUSED:
        cli_error("%s: %s", program, message_of_refusal(packet.value >> 32));
        *ret_status = (int)(packet.value & 0xff);
        return true;
    default:
        return false;
    }
}

static int wait_for_end(int socket, int signals, const char *program)
{
    int status = STATUS_LOADER;

    for (;;) {
        struct pollfd fds[] = { { .fd = socket, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents)
            pass_on(socket, signals);
        if (fds[0].revents && over(socket, program, &status))
            return status;
    }
}

int verb_exec(int argc, char **argv)
{
    const char *folder = "/";
    u32 streams = open_streams();
    const struct cli_option options[] = { { "workdir", 'w', &folder, NULL } };

    int first = cli_parse(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first >= argc)
        return cli_usage("exec needs a PROGRAM. See: occlum exec --help");
    if (folder[0] != '/')
        return cli_usage("exec: --workdir %s: an absolute path inside is needed", folder);
    if (!instance_check())
        return STATUS_ERROR;
    if (!program_path_check(argv[first]))
        return STATUS_NOT_FOUND;
    int socket = served_connect_or_say();
    if (socket < 0)
        return STATUS_LOADER;
    int signals = take_signals();
    int status = ask(socket, streams, argv + first, folder);
    return status ? status : wait_for_end(socket, signals, argv[first]);
}
