// SPDX-License-Identifier: BSD-3-Clause
// Variables in the texts of a BOM.
#include "base/nearest.h"
#include "bom/bom.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_name(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

// The variable of the environment whose name is nearest, or NULL.
static const char *nearest_variable(struct arena *arena, const char *name)
{
    struct text_list names = { 0 };
    for (char **variable = environ; variable && *variable; variable++) {
        const char *equals = strchr(*variable, '=');
        if (equals && equals - *variable < NEAREST_WORD_MAX)
            ARENA_PUSH(arena, &names, arena_copy(arena, *variable, (size_t)(equals - *variable)));
    }
    ARENA_PUSH(arena, &names, NULL);
    return nearest_word(name, names.items);
}

static const char *value_of(struct arena *arena, struct report *report, const struct bom_text *where,
                            const char *folder, const char *name)
{
    const char *value = strcmp(name, "OCCLUM_BOM_DIR") == 0 ? folder : getenv(name);
    if (value)
        return value;
    const char *near = nearest_variable(arena, name);
    report_error(report, where->place,
                 "%s: the environment has no variable %s%s%s%s (a $ that is meant as such is written $$)", where->key,
                 name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

// Reads the name behind a $; *ret_rest is what follows it. NULL: no variable, or an error if *ret_rest is NULL.
static const char *name_at(struct arena *arena, struct report *report, const struct bom_text *where, const char *at,
                           const char **ret_rest)
{
    bool braces = *at == '{';
    const char *begin = at + braces, *end = begin;
    while (is_name(*end, end == begin))
        end++;
    *ret_rest = end + braces;
    if (braces && (end == begin || *end != '}')) {
        report_error(report, where->place, "%s: ${ is not followed by a name and } in: %s", where->key, where->text);
        *ret_rest = NULL;
        return NULL;
    }
    return end == begin ? NULL : arena_copy(arena, begin, (size_t)(end - begin));
}

const char *bom_expand(struct arena *arena, struct report *report, const struct bom_text *where, const char *folder,
                       const char *text)
{
    char *result = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&result, &size);
    bool good = stream != NULL;
    for (const char *dollar; stream && (dollar = strchr(text, '$')) != NULL;) {
        const char *rest = dollar + 2, *value = "$";
        if (dollar[1] != '$') {
            const char *name = name_at(arena, report, where, dollar + 1, &rest);
            if (name)
                value = value_of(arena, report, where, folder, name);
        }
        good = good && rest && value;
        fwrite(text, 1, (size_t)(dollar - text), stream);
        fputs(value ? value : "", stream);
        text = rest ? rest : "";
    }
    if (stream) {
        fputs(text, stream);
        good = fclose(stream) == 0 && good;
    }
    const char *copy = good ? arena_copy(arena, result, size) : NULL;
    free(result);
    return copy;
}
