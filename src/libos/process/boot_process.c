// SPDX-License-Identifier: BSD-3-Clause
// The first process.
#include "abi/occlum/entry.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "trusted/exit.h"

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

u32 process_refusal(int err, int *ret_status)
{
    *ret_status = NOT_EXECUTABLE;
    switch (err) {
    case -ENOENT:
    case -ENOTDIR:
        *ret_status = NOT_FOUND;
        return REFUSED_NOT_FOUND;
    case -EACCES:
        return REFUSED_NOT_EXECUTABLE;
    case -ENOEXEC:
        return REFUSED_FORMAT;
    case -E2BIG:
        return REFUSED_TOO_BIG;
    case -ENOMEM:
        return REFUSED_MEMORY;
    case -EIO:
        return REFUSED_IMAGE;
    default:
        log_error("the program cannot start: error %d", -err);
        return REFUSED_OTHER;
    }
}

void process_boot(const struct occlum_config *config, char **argv, char **envp)
{
    char **env = environment_make(config, envp);
    struct process *process;

    if (!entry_point_allowed(config, argv[0]))
        enclave_refuse(NOT_EXECUTABLE << 8, REFUSED_ENTRY_POINT);
    if (!env || process_create(NULL, SIGCHLD, &process) || signals_thread_init(current, NULL))
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
    if (err) {
        int status;
        u32 refusal = process_refusal(err, &status);
        enclave_refuse(status << 8, refusal);
    }
    report_started();
    thread_return_to_user(current->regs);
}
