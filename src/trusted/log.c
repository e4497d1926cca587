// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/log.h"
#include "base/fmt.h"
#include "base/string.h"
#include "trusted/ocall.h"

enum log_level log_level = LOG_ERROR;
bool log_notices = true;

static const char *const names[] = { "", "error", "warn", "info", "debug", "trace" };

void log_printf(enum log_level level, const char *format, ...)
{
    char line[512];
    va_list args;

    size_t len = fmt_format(line, sizeof(line), "[occlum %s] ", names[level]);
    va_start(args, format);
    len += fmt_vformat(line + len, sizeof(line) - len, format, args);
    va_end(args);
    len = MIN(len, sizeof(line) - 2);
    line[len++] = '\n';
    ocall_log_write(line, len);
}
