// SPDX-License-Identifier: BSD-3-Clause
// Processes, their groups and sessions by number.
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current->tid; }

long sys_getppid(void)
{
    mutex_lock(&process_lock);
    long pid = current_process()->parent ? current_process()->parent->pid : 0;
    mutex_unlock(&process_lock);
    return pid;
}
