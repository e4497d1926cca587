// SPDX-License-Identifier: BSD-3-Clause
// The first process.
#include "base/string.h"
#include "libos/host/log.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "trusted/exit.h"

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static _Noreturn void refuse(int status, const char *path, const char *why)
{
    log_error("%s: %s", path, why);
    enclave_shutdown(status << 8);
}

static _Noreturn void exec_failed(const char *path, int err)
{
    switch (err) {
    case -ENOENT:
    case -ENOTDIR:
        refuse(NOT_FOUND, path, "not found in the image");
    case -EACCES:
        refuse(NOT_EXECUTABLE, path, "not an executable file");
    case -ENOEXEC:
        refuse(NOT_EXECUTABLE, path, "not a program for x86-64 Linux");
    case -E2BIG:
        refuse(NOT_EXECUTABLE, path, "too many arguments, or too large an environment");
    case -ENOMEM:
        refuse(NOT_EXECUTABLE, path, "not enough memory: see user_space_size and kernel_space_heap_size");
    default:
        log_error("%s: error %d", path, -err);
        refuse(NOT_EXECUTABLE, path, "cannot be executed");
    }
}

void process_boot(const struct occlum_config *config, char **argv, char **envp)
{
    char **env = environment_make(config, envp);
    struct process *process;

    if (!entry_point_allowed(config, argv[0]))
        refuse(NOT_EXECUTABLE, argv[0], "entry_points of Occlum.json does not permit it");
    if (!env || process_create(NULL, &process) || signals_thread_init(current, NULL))
        refuse(NOT_EXECUTABLE, argv[0], "not enough kernel heap: see kernel_space_heap_size");
    process_first = process;
    mutex_lock(&process_lock);
    current->tid = process->pid;
    process_add_thread(process, current);
    mutex_unlock(&process_lock);
    signal_init();
    process_procfs_init();
    int err = process_exec(argv[0], argv, env);
    if (err)
        exec_failed(argv[0], err);
    thread_return_to_user(current->regs);
}
