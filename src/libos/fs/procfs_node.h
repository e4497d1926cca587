// SPDX-License-Identifier: BSD-3-Clause
// Private to the procfs*.c files. Nodes are made when they are looked up and hold no state: what they stand for is in
// their key.
#pragma once

#include "libos/fs/file.h"

enum proc_kind {
    PROC_STATIC_DIR, // prefix of paths in the table of system files; "" is the root
    PROC_STATIC,     // a system file
    PROC_SELF,       // link to the caller's directory
    PROC_MOUNTS,     // link to self/mounts
    PROC_PID,        // directory of a process
    PROC_PID_FILE,
    PROC_PID_LINK, // exe, cwd, root
    PROC_FD_DIR,
    PROC_FD, // a link that leads to the open file's inode
};

struct proc_key {
    enum proc_kind kind;
    u32 pid;
    u32 index;        // entry of a table, or the descriptor
    const char *path; // PROC_STATIC_DIR: points into the table; path_len bytes count
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
extern const char *const proc_pid_files[];
extern const size_t proc_pid_file_count;
extern const char *const proc_pid_links[];
enum { PROC_PID_LINKS = 3, PROC_DEV = 0xe0 };

__nodiscard int proc_node_make(const struct proc_key *key, struct inode **ret_inode);
u64 proc_ino(const struct proc_key *key);
u32 proc_mode(const struct proc_key *key);
bool proc_pid_exists(u32 pid);

// Entries of a directory besides "." and "..", in order: the first at or behind *position, which moves behind it.
// False: no more.
bool proc_next_entry(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key);
int proc_open(struct inode *inode, struct file *file);

// Text under construction; len counts on when the buffer is full.
struct proc_text {
    char *buf;
    size_t size, len;
};
void proc_print(struct proc_text *text, const char *format, ...) __printf_like(2, 3);

// System files (procfs_text.c), by path below /proc.
struct proc_static {
    const char *path;
    void (*produce)(struct proc_text *text, const char *argument);
    const char *argument;
};
extern const struct proc_static proc_statics[];
extern const size_t proc_static_count;
void proc_text_mounts(struct proc_text *text, bool info); // mounts and mountinfo
