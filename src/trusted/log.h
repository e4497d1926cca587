// SPDX-License-Identifier: BSD-3-Clause
// The log of the LibOS, written to the host's stderr. OCCLUM_LOG_LEVEL chooses the level; a release enclave
// with logging disabled writes nothing.
#pragma once

#include "base/types.h"

enum log_level { LOG_OFF = 0, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

extern enum log_level log_level;

// Notices: what whoever started the program must know (how it ended, which limit of Occlum.json it met). A release
// enclave writes them too, without addresses, unless metadata.disable_log is given.
extern bool log_notices;

#define log_notice(...)                         \
    do {                                        \
        if (log_notices)                        \
            log_printf(LOG_ERROR, __VA_ARGS__); \
    } while (0)

void log_printf(enum log_level level, const char *format, ...) __printf_like(2, 3);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_TRACE, __VA_ARGS__)
#define log_at(level, ...)                  \
    do {                                    \
        if ((level) <= log_level)           \
            log_printf(level, __VA_ARGS__); \
    } while (0)

// Says it once per call site.
#define log_once(level, ...)                                     \
    do {                                                         \
        static bool said;                                        \
        if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED)) \
            log_at(level, __VA_ARGS__);                          \
    } while (0)
