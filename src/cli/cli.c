// SPDX-License-Identifier: BSD-3-Clause
#include "base/nearest.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void message(const char *kind, const char *format, va_list args)
{
    fprintf(stderr, "occlum: %s", kind);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message("", format, args);
    va_end(args);
    return STATUS_ERROR;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message("", format, args);
    va_end(args);
    return STATUS_USAGE;
}

void cli_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message("note: ", format, args);
    va_end(args);
}

void cli_json_string(const char *text, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            putchar('\\');
        putchar(text[i]);
    }
    putchar('"');
}

const char *cli_nearest(const char *word, const char *const *names) { return nearest_word(word, names); }

static int unknown_option(const char *verb, const char *name, const struct cli_option *options, size_t count)
{
    const char **names = calloc(count + 1, sizeof(char *));
    const char *near = NULL;

    for (size_t i = 0; names && i < count; i++)
        names[i] = options[i].name;
    if (names)
        near = cli_nearest(name, names);
    if (near)
        cli_usage("%s: unknown option --%s. Did you mean --%s? See: occlum %s --help", verb, name, near, verb);
    else
        cli_usage("%s: unknown option --%s. See: occlum %s --help", verb, name, verb);
    free(names);
    return -1;
}

// Handles one option at argv[i]; returns how many arguments it took, or -1.
static int parse_one(int argc, char **argv, int i, const struct cli_option *options, size_t count)
{
    const char *text = argv[i];
    bool is_long = text[1] == '-';
    const char *equals = is_long ? strchr(text, '=') : NULL;
    size_t length = is_long ? (equals ? (size_t)(equals - text - 2) : strlen(text + 2)) : 1;
    char name[64];

    snprintf(name, sizeof(name), "%.*s", (int)(length < 63 ? length : 63), text + (is_long ? 2 : 1));
    for (size_t k = 0; k < count; k++) {
        const struct cli_option *option = &options[k];
        if (is_long ? strcmp(option->name, name) != 0 : option->letter != text[1] || text[2])
            continue;
        if (option->flag) {
            if (equals && option->value) {
                *option->value = equals + 1;
            } else if (equals) {
                cli_usage("%s: --%s takes no value", argv[0], option->name);
                return -1;
            }
            *option->flag = true;
            return 1;
        }
        if (!equals && i + 1 >= argc) {
            cli_usage("%s: --%s needs a value. See: occlum %s --help", argv[0], option->name, argv[0]);
            return -1;
        }
        *option->value = equals ? equals + 1 : argv[i + 1];
        return equals ? 1 : 2;
    }
    return unknown_option(argv[0], name, options, count);
}

int cli_parse(int argc, char **argv, const struct cli_option *options, size_t count)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        int taken = parse_one(argc, argv, i, options, count);
        if (taken < 0)
            return -1;
        i += taken;
    }
    return i;
}

void cli_progress(const char *step, double share)
{
    if (!isatty(2))
        return;
    fprintf(stderr, "\r\033[K[%-20.*s] %s", (int)(share * 20), "####################", step);
    if (share >= 1)
        fprintf(stderr, "\r\033[K");
}
