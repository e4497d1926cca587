// SPDX-License-Identifier: BSD-3-Clause
// /etc/ld.so.conf, see ldconfig(8): a folder on each line, `include PATTERN`, # begins a comment.
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bom/ldcache.h"
#include "bom/paths.h"

enum { INCLUDE_DEPTH_MAX = 8, FOLDERS_MAX = 4096 };

static void read_file(struct arena *arena, const char *path, struct text_list *ret, int depth);

static char *trim(char *text)
{
    text[strcspn(text, "#\n")] = '\0';
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static void include(struct arena *arena, const char *from, const char *pattern, struct text_list *ret, int depth)
{
    glob_t found = { 0 };
    if (depth < INCLUDE_DEPTH_MAX && glob(path_join(arena, path_parent(arena, from), pattern), 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            read_file(arena, found.gl_pathv[i], ret, depth + 1);
    globfree(&found);
}

static void read_file(struct arena *arena, const char *path, struct text_list *ret, int depth)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    while (file && getline(&line, &room, file) > 0 && ret->count < FOLDERS_MAX) {
        char *text = trim(line);
        if (strncmp(text, "include", 7) == 0 && isspace((unsigned char)text[7]))
            include(arena, path, trim(text + 7), ret, depth);
        else if (*text == '/')
            ARENA_PUSH(arena, ret, path_normalize(arena, text));
    }
    free(line);
    if (file)
        fclose(file);
}

void ldconf_read(struct arena *arena, const char *path, struct text_list *ret) { read_file(arena, path, ret, 0); }
