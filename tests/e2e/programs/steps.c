// SPDX-License-Identifier: BSD-3-Clause
// Runs commands one after another, as a shell without fork would: steps CMD ARG... [< FILE] [> FILE] [| CMD...] ';'
// CMD... Ends with the status of the last; a status that is not 0 is told on stdout.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// One command of a pipeline, reading from `input`; its output goes to `output` (or 1). Returns its pid or -1.
static pid_t start(char **argv, int input, int output, int unused)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int kept = 0;

    posix_spawn_file_actions_init(&actions);
    if (input >= 0)
        posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1);
    for (int fd = 3; fd < 10; fd++)
        if (fd == input || fd == output || fd == unused)
            posix_spawn_file_actions_addclose(&actions, fd);
    for (int i = 0; argv[i]; i++) {
        if (!argv[i + 1] || (strcmp(argv[i], ">") != 0 && strcmp(argv[i], "<") != 0)) {
            argv[kept++] = argv[i];
            continue;
        }
        if (argv[i][0] == '>')
            posix_spawn_file_actions_addopen(&actions, 1, argv[i + 1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
        else
            posix_spawn_file_actions_addopen(&actions, 0, argv[i + 1], O_RDONLY, 0);
        i++;
    }
    argv[kept] = NULL;
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        printf("[%s: %s]\n", argv[0], strerror(error));
    return error ? -1 : pid;
}

static int run_pipeline(char **argv)
{
    pid_t last = -1;
    int input = -1, status = 127 << 8, children = 0;

    for (char **next; argv; argv = next) {
        int ends[2] = { -1, -1 };
        next = NULL;
        for (char **p = argv; *p && !next; p++)
            if (strcmp(*p, "|") == 0) {
                *p = NULL;
                next = p + 1;
                p--;
            }
        if (next && pipe(ends) != 0)
            return 126;
        last = start(argv, input, ends[1], ends[0]);
        children += last > 0;
        if (input >= 0)
            close(input);
        if (ends[1] >= 0)
            close(ends[1]);
        input = ends[0];
    }
    while (children > 0) {
        int one;
        pid_t pid = waitpid(-1, &one, 0);
        if (pid < 0)
            break;
        if (pid == last)
            status = one;
        children--;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc;) {
        char **command = argv + i;
        while (i < argc && strcmp(argv[i], ";") != 0)
            i++;
        if (i < argc)
            argv[i++] = NULL;
        status = run_pipeline(command);
        if (status != 0)
            printf("[%s ended with %d]\n", command[0], status);
        fflush(stdout);
    }
    return status;
}
