// SPDX-License-Identifier: BSD-3-Clause
// The face of the file systems towards process/, vm (through vm_file_ops), signal/ and boot. Paths are resolved against
// the current thread's fs_context.
#pragma once

#include "abi/occlum/config.h"
#include "libos/vm/vm.h"

struct host_stat;  // abi/occlum/ocall_types.h
struct host_image; // libos/fs/image_source.h
struct file;       // an open file description (shared by dup and fork)
struct files;      // a descriptor table
struct fs_context; // root, cwd, umask

// Mounts everything the measured configuration names. image: what the host says of the image file.
__nodiscard int fs_init(const struct occlum_config *config, const struct host_image *image);
int fs_volume_error(void); // why fs_init failed, when it was for a volume; else 0
// Commits all volumes: sync(2), and the end. 0 or the first error.
int fs_sync(void);
// A table for the current thread, which has none, with these descriptors of the host as 0, 1, 2 (-1: not open); owned:
// they are closed with the last file. stats: what the host says of them; NULL: it is asked. What it does not have is
// left out.
__nodiscard int files_create_streams(const int fds[3], bool owned, const struct host_stat *stats,
                                     struct files **ret_files);
__nodiscard int files_copy(struct files *files, struct files **ret_copy); // fork, vfork without CLONE_FILES
// For execve, which leaves a shared table to the others: a copy, or another reference of a table that is the caller's
// alone (and so keeps its record locks; a look by /proc at this moment may cost them).
__nodiscard int files_own(struct files *files, struct files **ret_own);
struct files *files_ref(struct files *files);
void files_unref(struct files *files); // NULL is accepted
void files_close_on_exec(struct files *files);
void files_set_limit(struct files *files, u64 limit);                    // RLIMIT_NOFILE: descriptors below it
long fs_context_cwd(struct fs_context *context, char *buf, size_t size); // absolute path; length or -errno
__nodiscard int fs_context_create_initial(struct fs_context **ret_context);
__nodiscard int fs_context_copy(struct fs_context *context, struct fs_context **ret_copy);
struct fs_context *fs_context_ref(struct fs_context *context);
void fs_context_unref(struct fs_context *context); // NULL is accepted

// Opens a regular file for execve: -ENOENT, -EACCES (not regular, no execute permission), -ENOEXEC never. Symlinks are
// followed.
__nodiscard int file_open_exec(const char *path, struct file **ret_file);
// mm runs the program of this file, which may not be written as long (ETXTBSY). -ETXTBSY: it is open for writing.
__nodiscard int file_run(struct file *file, struct mm *mm);
// Opens for the LibOS itself, with open(2) flags.
__nodiscard int file_open(const char *path, u32 flags, u32 mode, struct file **ret_file);
struct file *file_ref(struct file *file);
void file_unref(struct file *file);
// Reads at an offset into kernel memory: count, 0 at the end, -errno.
__nodiscard long file_read_at(struct file *file, u64 offset, void *buf, size_t size);
u64 file_size(struct file *file);
size_t file_path(struct file *file, char *buf, size_t size); // absolute path; returns its length
extern const struct vm_file_ops file_vm_ops;                 // for vm_map: the file is a struct file

// The file of a descriptor of the current thread, referenced; NULL if there is none, or if it was opened with O_PATH.
struct file *files_get(int fd);
struct file *files_get_path(int fd); // also with O_PATH

// Text under construction for /proc (fs/procfs_file.c); len counts on when the buffer is full.
struct proc_text {
    char *buf;
    size_t size, len;
};
void proc_print(struct proc_text *text, const char *format, ...) __printf_like(2, 3);
void proc_bytes(struct proc_text *text, const void *bytes, size_t size);

// What /proc shows of processes and threads; process/ sets it at boot (fs/ may not look to its right). tid: 0, or a
// thread of the process.
struct proc_totals;
struct proc_ops {
    // Calls visit for each process, or (pid not 0) for each thread of one; non-zero stops.
    int (*for_each)(u32 pid, int (*visit)(u32 id, void *arg), void *arg);
    // The process that a process or thread id belongs to, 0: none.
    u32 (*process_of)(u32 id);
    // Produces /proc/PID/NAME or /proc/PID/task/TID/NAME. 0, -ESRCH, -ENOENT.
    int (*read)(u32 pid, u32 tid, const char *name, struct proc_text *text);
    // What was written to it. 0 or -errno.
    int (*write)(u32 pid, u32 tid, const char *name, const char *text, size_t size);
    // Target of /proc/PID/{exe,cwd,root}: length or -errno.
    long (*link)(u32 pid, const char *name, char *buf, size_t size);
    // The root (root true) or working folder of a process, referenced, or NULL.
    struct inode *(*folder)(u32 pid, bool root);
    // May the caller look into the process (ptrace(2))? 0, -EACCES, -ESRCH.
    int (*may_look)(u32 pid);
    // Whose the files of the process are.
    void (*owner)(u32 pid, u32 *ret_uid, u32 *ret_gid);
    u32 (*current_pid)(void);
    // CPU time of all processes until now, ns; processes made; threads, and those of them that run.
    void (*totals)(struct proc_totals *ret_totals);
    // The descriptor table of a process, referenced, or NULL: for /proc/PID/fd.
    struct files *(*files)(u32 pid);
};
struct proc_totals {
    s64 user_ns, system_ns;
    u64 made, switches;
    u32 threads, running, last_id;
};
void procfs_set_ops(const struct proc_ops *ops);
u32 fs_current_pid(void); // of the calling process, as process/ says it

// RLIMIT_FSIZE of the caller; NULL: none. process/ sets it.
extern u64 (*fs_size_limit)(void);
// Delivered by pipes and sockets without readers (SIGPIPE) and by terminals; signal/ sets it.
extern void (*fs_raise_signal)(int signo);
