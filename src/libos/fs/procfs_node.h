// SPDX-License-Identifier: BSD-3-Clause
// Private to the procfs*.c files. Nodes are made when they are looked up and hold no state: what they stand for is in
// their key.
#pragma once

#include "libos/fs/file.h"

enum proc_kind {
    PROC_STATIC_DIR, // prefix of paths in a table of system files; "" is its root
    PROC_STATIC,     // a system file
    PROC_SELF,       // link to the caller's directory
    PROC_THREAD_SELF,
    PROC_MOUNTS, // link to self/mounts
    PROC_PID,    // directory of a process, or with a tid of a thread
    PROC_PID_FILE,
    PROC_PID_LINK, // exe, cwd, root
    PROC_TASK_DIR,
    PROC_FD_DIR,
    PROC_FD, // a link that leads to the open file's inode
    PROC_FDINFO_DIR,
    PROC_FDINFO,
};

// A tree of system files by path; files of one directory stand together.
struct proc_table {
    const struct proc_static *files;
    size_t count;
    u32 magic; // statfs(2)'s f_type
};
extern const struct proc_table proc_system; // /proc (procfs_table.c)
extern struct proc_table sys_system;        // /sys (sysfs.c)
__nodiscard int sysfs_need_table(void);     // fills it on first use. -ENOMEM

struct proc_key {
    enum proc_kind kind;
    u32 pid, tid;                   // tid: of a directory below task, else 0
    u32 index;                      // entry of a table, or the descriptor
    const struct proc_table *table; // PROC_STATIC_DIR, PROC_STATIC
    const char *path;               // PROC_STATIC_DIR: points into the table; path_len bytes count
    size_t path_len;
};

struct proc_node {
    struct inode inode;
    struct proc_key key;
};

static inline struct proc_node *proc_node_of(struct inode *inode)
{
    return container_of(inode, struct proc_node, inode);
}

extern const struct proc_ops *proc_ops;
extern struct inode *proc_root; // lives for good
struct proc_pid_file {
    const char *name;
    u16 mode;
    bool inner;        // who may not look into the process cannot open it
    bool process_only; // not in task/TID
};
extern const struct proc_pid_file proc_pid_files[];
extern const size_t proc_pid_file_count;
extern const char *const proc_pid_links[];
enum { PROC_PID_LINKS = 3, PROC_DEV = 0xe0 };

__nodiscard int proc_node_make(const struct proc_key *key, struct inode **ret_inode);
u64 proc_ino(const struct proc_key *key);
u32 proc_mode(const struct proc_key *key);
// The file behind fd/N and fdinfo/N, referenced; NULL if it was closed meanwhile.
struct file *proc_file_of(const struct proc_key *key);
bool proc_alive(const struct proc_key *key); // the process or thread is there

// Entries of a directory besides "." and "..", in order: the first at or behind *position, which moves behind it.
// False: no more.
bool proc_next_entry(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key);
int proc_open(struct inode *inode, struct file *file);

// System files, by path below the root of their table.
struct proc_static {
    const char *path;
    void (*produce)(struct proc_text *text, const char *argument);
    const char *argument;
    u16 mode;
};
void proc_text_mounts(struct proc_text *text, const char *name); // mounts, mountinfo, mountstats
