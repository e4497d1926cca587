// SPDX-License-Identifier: BSD-3-Clause
#include "loader/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/enclave_file.h"
#include "loader/host_image.h"
#include "loader/host_poll.h"
#include "loader/host_signals.h"
#include "loader/messages.h"
#include "loader/ocall_handlers.h"
#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/serve.h"
#include "loader/threads.h"
#include "platform/raw.h"
#include "platform/switches.h"

// "a\0b\0" of a NULL-terminated array. NULL when out of memory.
static char *join(char *const *list, u64 *ret_size)
{
    size_t size = 0, used = 0;
    for (size_t i = 0; list[i]; i++)
        size += strlen(list[i]) + 1;
    char *text = malloc(size + 8);
    for (size_t i = 0; text && list[i]; i++) {
        size_t len = strlen(list[i]) + 1;
        memcpy(text + used, list[i], len);
        used += len;
    }
    *ret_size = size;
    return text;
}

static int add_image(int fd, struct host_start_args *args)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    args->image_fd = (u64)fd;
    args->image_size = (u64)st.st_size;
    if (!switch_is_on("OCCLUM_NO_IMAGE_MAP"))
        args->image_address = host_image_map(fd, (u64)st.st_size);
    return 0;
}

static void add_stdio(struct host_start_args *args)
{
    for (int fd = 0; fd < 3; fd++)
        if (host_fstat(NULL, fd, &args->stdio[fd]) == 0)
            args->stdio_flags |= 1ull << fd;
}

static const struct platform_ops *choose_platform(const struct enclave_file *file)
{
    return file->header->layout.mode == ENCLAVE_MODE_SIM ? &platform_sim : &platform_sgx;
}

// 0: not known.
static u64 count_cpus(void)
{
    u64 set[HOST_CPU_MASK_BYTES / sizeof(u64)] = { 0 }, count = 0;

    if (RAW(SYS_sched_getaffinity, 0, sizeof(set), set) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(set); i++)
        count += (u64)__builtin_popcountll(set[i]);
    return count;
}

static int prepare(const struct loader_options *options, struct host_start_args *args)
{
    *args = (struct host_start_args){ .shared_page = (u64)(uintptr_t)&loader_page,
                                      .log_level = options->log_level,
                                      .report = report_address(),
                                      .serves = options->serve != NULL };
    char *argv = join(options->argv, &args->argv_size), *envp = join(options->envp, &args->envp_size);
    if (!argv || !envp)
        return -ENOMEM;
    args->argv = (u64)(uintptr_t)argv;
    args->envp = (u64)(uintptr_t)envp;
    if (options->image_key) {
        args->has_image_key = 1;
        memcpy(args->image_key, options->image_key, sizeof(args->image_key));
    }
    args->learn = options->learn_fd >= 0;
    host_learn_to(options->learn_fd);
    args->cpu_count = count_cpus();
    args->cpuid_7_ebx = runtime_cpuid_7_ebx();
    add_stdio(args);
    return options->image_fd >= 0 ? add_image(options->image_fd, args) : 0;
}

int loader_run(const struct loader_options *options)
{
    static struct host_start_args args;
    struct enclave_file file;

    clock_init();
    int err = enclave_file_open(options->enclave_path, options->enclave_fd, &file);
    if (err)
        return err;
    const struct platform_ops *platform = choose_platform(&file);
    report_set(options, &file.header->layout);
    err = prepare(options, &args);
    report_times.begun = report_now();
    if (!err)
        err = platform->load(&file);
    report_times.loaded = report_now();
    if (!err)
        err = threads_init(platform, file.header->layout.slots_max);
    if (!err)
        err = host_poll_init();
    if (!err)
        err = options->serve ? serve_init(options->serve) : host_signals_init();
    if (err)
        return err;
    messages_set_program(options->serve ? "start" : options->argv[0]);
    runtime_init(platform);
    clock_sync();
    int status = threads_run_first((u64)(uintptr_t)&args);
    report_write();
    if (options->serve)
        serve_done();
    return status;
}
