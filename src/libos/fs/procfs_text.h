// SPDX-License-Identifier: BSD-3-Clause
// What the tables of system files are made of.
#pragma once

#include "libos/fs/procfs_node.h"

u32 proc_cpu_count(void);
// Producers (struct proc_static).
void proc_cpuinfo(struct proc_text *text, const char *argument);
void proc_meminfo(struct proc_text *text, const char *argument);
void proc_stat(struct proc_text *text, const char *argument);
void proc_uptime(struct proc_text *text, const char *argument);
void proc_loadavg(struct proc_text *text, const char *argument);
void proc_uuid(struct proc_text *text, const char *argument); // "boot": that of the start, NULL: a new one
void proc_file_nr(struct proc_text *text, const char *argument);
void proc_sysvipc(struct proc_text *text, const char *kind); // what ipc/ shows (struct fs_special)
void proc_threads_max(struct proc_text *text, const char *argument);
void proc_enclave_pages(struct proc_text *text, const char *argument);
