// SPDX-License-Identifier: BSD-3-Clause
// How processes are made, run programs and end. What they are: tree/process.h, whose lock guards everything here unless
// said otherwise.
#pragma once

#include "abi/occlum/config.h"
#include "libos/fs/fs.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"

// Makes the first process on the current thread from the program argv[0] and ends in it. Exit statuses 126 and 127 as a
// shell has them end the enclave instead.
_Noreturn void process_boot(const struct occlum_config *config, char **argv, char **envp);
// The same for an enclave that serves: the first process is the LibOS's own (serve.h).
_Noreturn void process_serve(void);
// What REFUSED_* and which exit status tell that a program could not start for this error.
u32 process_refusal(int err, int *ret_status);

// A new process as a child of parent (NULL for the first), without threads, with its own copies. exit_signal: what its
// end is to its parent. -ENOMEM.
__nodiscard int process_create(struct process *parent, u32 exit_signal, struct process **ret_process);
void process_free(struct process *process); // unlinked, no threads. With process_lock held
// What a process runs with, by its first thread that still has it: with a reference of the caller's, or NULL when the
// process ends. With process_lock held, which keeps the threads in their list; the reference outlives it.
struct mm *process_get_mm(const struct process *process);
struct files *process_get_files(const struct process *process);
struct fs_context *process_get_fs(const struct process *process);
extern u64 process_made;    // processes made since the start
extern u32 process_last_id; // the last id given. Both with process_lock held
u32 process_new_id(void);
// RLIMIT_NPROC: may the caller have one thread more? 0, -EAGAIN.
__nodiscard int process_may_clone(void);
void process_add_thread(struct process *process, struct thread *thread);
// Counts a thread off that left process->threads. True if it was the last. With process_lock held.
bool process_drop_thread(struct process *process);
// Takes a thread out again that was added and did not start, and a process that has none.
void process_remove_thread(struct process *process, struct thread *thread);
void process_unlink(struct process *process);
// Frees a zombie, whose use its parent takes over. With process_lock held.
void process_reap(struct process *child);
u32 process_threads(void); // of all processes

// The end of the first process, on its last thread, which has closed its files and still has its memory: ends all
// others in order, writes back, leaves the enclave. Nothing can make it wait for ever.
_Noreturn void process_shutdown(int wait_status);
bool process_all_ending(void);  // it has begun. With process_lock held
void process_thread_left(void); // a thread was counted off
// Kills the other threads of the current process and waits for them. -EINTR if this one is being killed itself.
__nodiscard int process_kill_siblings(void);
// vfork: the parent announces that it will wait, starts the child, waits; the child lets go at execve or at its end.
void process_vfork_begin(struct process *child, struct vfork_wait *wait);
void process_vfork_wait(struct vfork_wait *wait);
void process_vfork_release(struct process *child);

// execve(2) with kernel strings; on success the current thread's registers are those of the new program.
__nodiscard int process_exec(const char *path, char **argv, char **envp);
bool entry_point_allowed(const struct occlum_config *config, const char *path);
// Environment of the first process: env.default, and what env.untrusted lets in of the host's. NULL when out of memory.
char **environment_make(const struct occlum_config *config, char **host_envp);

// The processors that a thread may run on, as far as programs are told: HOST_CPU_MASK_BYTES.
void thread_cpus(const struct thread *thread, u64 *mask);

long futex_wake(u64 addr, u32 count, u32 bitset);
void robust_list_exit(struct thread *thread);
void process_procfs_init(void);
void process_resources_init(void);
