// SPDX-License-Identifier: BSD-3-Clause
#include "config/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

// A control character in a key or value must not reach the terminal.
static void mask_control_characters(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void append(struct config_errors *errors, struct json_pos pos, const char *kind, const char *format,
                   va_list args)
{
    char message[MESSAGE_SIZE], line[MESSAGE_SIZE + 512];
    if (errors->count + errors->warnings > CONFIG_MESSAGES_MAX)
        return;
    vsnprintf(message, sizeof(message), format, args);
    mask_control_characters(message);
    const char *file = errors->file ? errors->file : "Occlum.json";
    if (pos.line)
        snprintf(line, sizeof(line), "%.400s:%u:%u: %s%s\n", file, pos.line, pos.column, kind, message);
    else
        snprintf(line, sizeof(line), "%.400s: %s%s\n", file, kind, message);
    if (errors->text && strstr(errors->text, line)) // both arithmetics find it
        return;
    size_t length = strlen(line);
    char *text = realloc(errors->text, errors->size + length + 1);
    if (!text)
        return;
    memcpy(text + errors->size, line, length + 1);
    errors->text = text;
    errors->size += length;
}

void config_error(struct config_errors *errors, struct json_pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    errors->count++;
    append(errors, pos, "", format, args);
    va_end(args);
}

void config_warning(struct config_errors *errors, struct json_pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    errors->warnings++;
    append(errors, pos, "warning: ", format, args);
    va_end(args);
}

void config_errors_print(struct config_errors *errors, FILE *out)
{
    if (errors->text)
        fputs(errors->text, out);
    if (errors->count + errors->warnings > CONFIG_MESSAGES_MAX)
        fprintf(out, "%s: %u more messages\n", errors->file ? errors->file : "Occlum.json",
                errors->count + errors->warnings - CONFIG_MESSAGES_MAX);
    config_errors_clear(errors);
}

void config_errors_clear(struct config_errors *errors)
{
    free(errors->text);
    errors->text = NULL;
    errors->size = 0;
    errors->count = errors->warnings = 0;
}
