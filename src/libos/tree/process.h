// SPDX-License-Identifier: BSD-3-Clause
// Processes, and what signals and processes both want of their tree. Everything here is guarded by the tree lock
// (process_lock) unless said otherwise. How processes are made, run programs and end: process/.
#pragma once

#include "libos/sync/mutex.h"
#include "libos/sync/wait.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/tree/cputime.h"
#include "libos/tree/signals.h"

struct tty;
enum { AUXV_WORDS = 48 };

// On the stack of a thread that waits for its vforked child.
struct vfork_wait {
    struct process *child; // NULL once the child has let go
    struct wait_queue done;
};

struct process_handle;

// Where the program's parts lie, and its auxiliary vector, as execve made them; guarded by process_lock.
struct memory_layout {
    u64 code_start, code_end, data_start, data_end, brk_start;
    u64 stack, stack_size; // the stack pointer it began with
    u64 arg_start, arg_end, env_end;
    u32 auxv_words;
    u64 auxv[AUXV_WORDS];
};

struct process {
    u32 pid;
    u32 pgid, sid;
    struct tty *tty;   // controlling terminal, referenced; NULL: none. Set by the process itself, cleared by any
    u32 tty_old_group; // of a leader whose terminal was hung up: who was in the foreground then
    bool outside;      // somebody outside is its parent who can continue it: its group is no orphan
    bool stop_asked;   // by who is outside, and no SIGCONT since
    bool own;          // the LibOS's: process 1 of an enclave that serves
    u64 client;        // the host's name of the client that started it (`occlum exec`); 0: none
    struct process *parent;
    struct list_head children, siblings; // parent's children
    struct list_head all;                // of every process that is not yet reaped
    struct list_head threads;            // struct thread.siblings
    u32 thread_count;                    // threads that may still hold the process's mm and files
    u32 live_count;                      // threads that have not begun to end
    bool exiting;                        // exit_group or a fatal signal: every thread ends
    bool execing;                        // one thread is in execve and ends the others
    bool zombie;
    bool stopped, stop_reported, continued;
    int stop_signal;
    int wait_status;                // wait(2) status, once exiting
    struct wait_queue child_events; // its children changed state
    struct wait_queue thread_gone;  // execve waits for its siblings
    struct wait_queue resumed;      // stopped threads sleep here
    struct vfork_wait *vfork;       // the parent thread that sleeps until this process execs or ends; NULL: none

    struct process_signals signals; // own lock
    struct rlimit64 limits[RLIM_NLIMITS];
    char *exe;     // absolute path
    char *cmdline; // "arg0\0arg1\0"
    size_t cmdline_size;
    char *environ;
    size_t environ_size;
    s64 start_ns;
    char name[16]; // its first thread's, once it has no threads
    struct memory_layout layout;
    int oom_score_adj;
    u32 personality;
    u64 mapped_peak;               // bytes of addresses at most, as far as was seen
    struct process_handle *handle; // of its pidfds; NULL: there were none
    u32 ended_uid;                 // whose it was, once it has no threads
    u32 exit_signal;               // to the parent, usually SIGCHLD
    bool execed;                   // has called execve: its parent no longer moves it to another group
    // prctl(2)
    bool subreaper, undumpable, no_new_privs;
    int death_signal;                               // sent to it when its parent ends; 0: none
    u64 timer_slack;                                // ns; 0: the default
    struct cpu_usage ended_threads, ended_children; // what they used; children: those that were waited for
    u64 peak, children_peak;                        // bytes of memory at most
};

extern struct mutex process_lock;
extern struct list_head process_all;
extern struct process *process_first;

// What processes want of terminals; tty/ sets it at boot. With process_lock held.
struct process_tty_ops {
    void (*inherit)(struct process *child, const struct process *parent);
    void (*drop)(struct process *process);        // it has one, and is to have none
    void (*leader_ends)(struct process *process); // does nothing for other processes
    int (*number)(const struct process *process); // of the device, for /proc/PID/stat; 0: none
    u32 (*foreground)(const struct process *process);
    void (*hang_up)(struct process *process); // the controlling terminal, if there is one, is gone
    void (*adopt)(void); // the caller's standard streams may be a terminal of the host, which becomes its own. No locks
};
extern struct process_tty_ops process_tty;

static inline struct process *current_process(void) { return current->process; }

struct process *process_find(u32 pid);       // NULL
struct thread *process_find_thread(u32 tid); // NULL

// Credentials of a process's first thread, referenced; NULL when it has none any more. With process_lock held.
const struct cred *process_cred(const struct process *process);
// May the current thread send this signal to the process (kill(2))? With process_lock held.
bool may_signal(struct process *process, int signo);
// May the current thread look into the process (ptrace(2), "Ptrace access mode checking", with the ids of the file
// system)? With process_lock held. 0, -EPERM; -ESRCH: an ended process, which has no threads any more.
__nodiscard int may_look_into(struct process *process);

// Groups and sessions (group.c). With process_lock held.
int group_signal(u32 pgid, int signo); // the kernel's, to all of the group: 0 or -ESRCH
u32 group_session(u32 pgid);           // the session that such a group is in, 0: there is none
// Nobody in the group has a parent in another group of the session: nobody would continue it. Leaves `ignored` out.
bool group_is_orphaned(u32 pgid, const struct process *ignored);
// A member of the group (in session sid) loses this parent; ignored: because it ends itself. If that orphans the group
// and some of it are stopped, they are sent SIGHUP and SIGCONT (_exit(2)).
void group_left(u32 pgid, u32 sid, const struct process *parent, const struct process *ignored);

// Ends the current thread; the last one ends the process.
_Noreturn void process_thread_exit(int wait_status);
// Starts the end of a whole process with this wait status: its threads notice soon. Does not return status changes
// twice.
void process_kill(struct process *process, int wait_status);
void process_kill_collect(struct process *process, int wait_status, struct wake_list *list); // with process_lock held

// The host hears that a process stopped which it is to continue (process.outside). No lock held.
void process_tell_stopped(struct process *process);
