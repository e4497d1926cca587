// SPDX-License-Identifier: BSD-3-Clause
#include "libos/syscall/trace.h"

#include "abi/linux/abi.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/syscall/trace_names.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/log.h"

enum { LINE = 400, TEXT_SHOWN = 128, BYTES_SHOWN = 32 };

struct line {
    char text[LINE];
    size_t len;
};

static void add(struct line *line, const char *format, ...) __printf_like(2, 3);
static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line->len += fmt_vformat(line->text + line->len, sizeof(line->text) - line->len, format, args);
    va_end(args);
    line->len = MIN(line->len, sizeof(line->text) - 1);
}

// Bytes as C writes them.
static void add_quoted(struct line *line, const u8 *bytes, size_t size, bool cut)
{
    add(line, "\"");
    for (size_t i = 0; i < size; i++) {
        u8 c = bytes[i];
        if (c == '\n')
            add(line, "\\n");
        else if (c == '"' || c == '\\')
            add(line, "\\%c", c);
        else if (c >= ' ' && c < 0x7f)
            add(line, "%c", c);
        else
            add(line, "\\%o", c);
    }
    add(line, "\"%s", cut ? "..." : "");
}

// Strings and data are looked at without bringing pages in: the trace changes nothing of what it shows.
static void add_string(struct line *line, u64 addr)
{
    char text[TEXT_SHOWN + 1];
    size_t size = copy_from_user_nofault(text, (const void __user *)addr, sizeof(text));
    size_t len = strnlen(text, size);

    if (!addr)
        add(line, "NULL");
    else if (!size)
        add(line, "%#lx", addr);
    else
        add_quoted(line, (const u8 *)text, MIN(len, (size_t)TEXT_SHOWN), len == size);
}

static void add_data(struct line *line, u64 addr, u64 size)
{
    u8 bytes[BYTES_SHOWN];
    size_t got = copy_from_user_nofault(bytes, (const void __user *)addr, MIN(size, (u64)BYTES_SHOWN));

    if (!got && size)
        add(line, "%#lx", addr);
    else
        add_quoted(line, bytes, got, size > BYTES_SHOWN);
}

static void add_flags(struct line *line, const struct trace_flags *flags, u64 value)
{
    const char *between = "";
    u64 left = value;

    for (const struct trace_name *n = flags->names; n->name; n++) {
        u64 mask = n->mask ? n->mask : n->value;
        if ((value & mask) != n->value || (n->value & ~left))
            continue;
        add(line, "%s%s", between, n->name);
        left &= ~mask;
        between = "|";
        if (flags->one)
            return;
    }
    if (left || !*between)
        add(line, "%s%#lx", between, left);
}

static void add_argument(struct line *line, const struct syscall_entry *entry, u32 index, const u64 args[6])
{
    u64 value = args[index];
    const struct trace_flags *flags = trace_flags_of(entry->name, index);

    if (flags) {
        add_flags(line, flags, value);
        return;
    }
    switch (entry->format[index]) {
    case 'f': // a folder's descriptor
        if ((int)value == AT_FDCWD)
            add(line, "AT_FDCWD");
        else
            add(line, "%d", (int)value);
        return;
    case 'm':
        add(line, value ? "0%o" : "%o", (u32)value);
        return;
    case 's':
        add_string(line, value);
        return;
    case 'b': // data of the size that comes next
        add_data(line, value, args[index + 1]);
        return;
    case 'd':
        add(line, "%d", (int)value);
        return;
    case 'u':
        add(line, "%u", (u32)value);
        return;
    case 'D':
        add(line, "%ld", (s64)value);
        return;
    case 'U':
        add(line, "%lu", value);
        return;
    default:
        if (value || entry->format[index] != 'p')
            add(line, value > 4096 ? "%#lx" : "%lu", value);
        else
            add(line, "NULL");
    }
}

static void add_answer(struct line *line, const struct syscall_entry *entry, long answer)
{
    const char *name = answer < 0 && answer > -4096 ? trace_error_name((int)-answer) : NULL;

    if (syscall_restarts(answer))
        add(line, ") = ? (interrupted)");
    else if (name)
        add(line, ") = -1 %s", name);
    else if (answer > 0xffffffffl || trace_answers_address(entry->name))
        add(line, ") = %#lx", answer);
    else
        add(line, ") = %ld", answer);
}

static void begin(struct line *line, const struct syscall_entry *entry, const u64 args[6])
{
    line->len = 0;
    add(line, "[%u] %s(", current->tid, entry->name);
    for (u32 i = 0; entry->format[i]; i++) {
        add(line, i ? ", " : "");
        add_argument(line, entry, i, args);
    }
}

long syscall_traced(const struct syscall_entry *entry, const u64 args[6])
{
    struct line line;
    bool before = trace_does_not_return(entry->name);

    // Paths and data to be written are shown as they were.
    begin(&line, entry, args);
    if (before)
        log_trace("%s) = ?", line.text);
    s64 start = time_monotonic_ns();
    long answer = entry->call(args);
    s64 took = time_monotonic_ns() - start;
    if (trace_answers_data(entry->name) && answer > 0) { // what was read is seen afterwards
        u64 shown[6];
        memcpy(shown, args, sizeof(shown));
        line.len = 0;
        add(&line, "[%u] %s(%d, ", current->tid, entry->name, (int)args[0]);
        add_data(&line, args[1], (u64)answer);
        add(&line, ", %lu", args[2]);
    }
    add_answer(&line, entry, answer);
    log_trace("%s <%lu.%06lu>", line.text, (u64)took / 1000000000, (u64)took / 1000 % 1000000);
    return answer;
}

void syscall_trace_unknown(const char *name, u64 number)
{
    log_trace("[%u] %s() = -1 ENOSYS (number %lu)", current->tid, name, number);
}
