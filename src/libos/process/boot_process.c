// SPDX-License-Identifier: BSD-3-Clause
// The first process.
#include "abi/occlum/entry.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "trusted/exit.h"

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static _Noreturn void exec_failed(int err)
{
    switch (err) {
    case -ENOENT:
    case -ENOTDIR:
        enclave_refuse(NOT_FOUND << 8, REFUSED_NOT_FOUND);
    case -EACCES:
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_NOT_EXECUTABLE);
    case -ENOEXEC:
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_FORMAT);
    case -E2BIG:
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_TOO_BIG);
    case -ENOMEM:
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_MEMORY);
    case -EIO:
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_IMAGE);
    default:
        log_error("the first program: error %d", -err);
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_OTHER);
    }
}

void process_boot(const struct occlum_config *config, char **argv, char **envp)
{
    char **env = environment_make(config, envp);
    struct process *process;

    if (!entry_point_allowed(config, argv[0]))
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_ENTRY_POINT);
    if (!env || process_create(NULL, &process) || signals_thread_init(current, NULL))
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_MEMORY);
    process_first = process;
    process->outside = true;
    mutex_lock(&process_lock);
    current->tid = process->pid;
    process_add_thread(process, current);
    mutex_unlock(&process_lock);
    process_tty.adopt();
    signal_init();
    process_procfs_init();
    process_resources_init();
    int err = process_exec(argv[0], argv, env);
    if (err)
        exec_failed(err);
    report_started();
    thread_return_to_user(current->regs);
}
