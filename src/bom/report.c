// SPDX-License-Identifier: BSD-3-Clause
#include "bom/report.h"

#include <string.h>
#include <strings.h>

enum { MESSAGE_SIZE = 4096 };

void report_mask(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void print(struct report *report, struct place place, const char *kind, const char *format, va_list args)
{
    char message[MESSAGE_SIZE];
    vsnprintf(message, sizeof(message), format, args);
    report_mask(message);
    if (!place.file)
        fprintf(report->out, "copy_bom: %s%s\n", kind, message);
    else if (!place.line)
        fprintf(report->out, "%s: %s%s\n", place.file, kind, message);
    else
        fprintf(report->out, "%s:%u:%u: %s%s\n", place.file, place.line, place.column, kind, message);
}

void report_error(struct report *report, struct place place, const char *format, ...)
{
    va_list args;
    if (++report->errors > REPORT_ERRORS_MAX)
        return;
    va_start(args, format);
    print(report, place, "", format, args);
    va_end(args);
}

void report_warning(struct report *report, struct place place, const char *format, ...)
{
    va_list args;
    report->warnings++;
    if (report->level < REPORT_WARN)
        return;
    va_start(args, format);
    print(report, place, "warning: ", format, args);
    va_end(args);
}

void report_note(struct report *report, enum report_level level, const char *format, ...)
{
    va_list args;
    if (report->level < level)
        return;
    va_start(args, format);
    print(report, (struct place){ 0 }, "", format, args);
    va_end(args);
}

bool report_parse_level(const char *word, enum report_level *ret)
{
    static const struct {
        const char *word;
        enum report_level level;
    } levels[] = { { "off", REPORT_OFF },     { "error", REPORT_ERROR }, { "panic", REPORT_ERROR },
                   { "fatal", REPORT_ERROR }, { "warn", REPORT_WARN },   { "warning", REPORT_WARN },
                   { "info", REPORT_INFO },   { "debug", REPORT_DEBUG }, { "trace", REPORT_TRACE } };
    for (size_t i = 0; word && i < ARRAY_SIZE(levels); i++)
        if (strcasecmp(word, levels[i].word) == 0) {
            *ret = levels[i].level;
            return true;
        }
    *ret = REPORT_WARN;
    return !word || !*word;
}
