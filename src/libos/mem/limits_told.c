// SPDX-License-Identifier: BSD-3-Clause
// The lines about limits that were met.
#include "abi/occlum/config.h"
#include "base/fmt.h"
#include "libos/mem/limits.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/log.h"

// With EDMM, and where the file gives a maximum, the maximum is what binds.
static const char *either(u32 flag, const char *maximum, const char *size)
{
    return emm_caps()->absent || (enclave_config()->flags & flag) ? maximum : size;
}

static void format_size(char *text, size_t size, u64 bytes)
{
    bool mega = bytes % MIB(1) == 0;
    fmt_format(text, size, mega ? "%luMB" : "%luKB", mega ? bytes / MIB(1) : bytes / KIB(1));
}

static void tell(enum limit limit, const char *name, u32 pid)
{
    const struct enclave_layout *l = &enclave_layout;
    u64 heap = l->heap_end - l->heap_start;
    const char *what[LIMIT_KINDS] = {
        [LIMIT_USER_MEMORY] = "no memory is left for programs and files in memory",
        [LIMIT_KERNEL_HEAP] = "the library OS has no memory left",
        [LIMIT_THREADS] = "there is no thread left",
        [LIMIT_MEMORY_FILES] = "a file system in memory is full",
        [LIMIT_MEMORY_NAMES] = "the file systems in memory hold no more files: three quarters of the heap",
    };
    const char *heap_field = either(OCCLUM_CONFIG_HEAP_MAX, "resource_limits.kernel_space_heap_max_size",
                                    "resource_limits.kernel_space_heap_size");
    const char *field[LIMIT_KINDS] = {
        [LIMIT_USER_MEMORY] =
            either(OCCLUM_CONFIG_USER_MAX, "resource_limits.user_space_max_size", "resource_limits.user_space_size"),
        [LIMIT_KERNEL_HEAP] = heap_field,
        [LIMIT_THREADS] = "resource_limits.max_num_of_threads",
        [LIMIT_MEMORY_FILES] = "options.size of its mount, by default half of user memory,",
        [LIMIT_MEMORY_NAMES] = heap_field,
    };
    const u64 value[LIMIT_KINDS] = {
        [LIMIT_USER_MEMORY] = l->user_limit, [LIMIT_KERNEL_HEAP] = heap,
        [LIMIT_THREADS] = l->slots_max,      [LIMIT_MEMORY_FILES] = limit_values[LIMIT_MEMORY_FILES],
        [LIMIT_MEMORY_NAMES] = heap,
    };
    char text[32];

    if (limit == LIMIT_THREADS)
        fmt_format(text, sizeof(text), "%lu", value[limit]);
    else
        format_size(text, sizeof(text), value[limit]);
    log_notice("%s[%u]: %s: %s of Occlum.json is %s", name, pid, what[limit], field[limit], text);
}

void limits_tell(const char *name, u32 pid)
{
    u32 due = __atomic_exchange_n(&limits_due, 0, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < LIMIT_KINDS; i++)
        if (due & 1u << i)
            tell((enum limit)i, name, pid);
}
