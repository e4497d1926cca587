// SPDX-License-Identifier: BSD-3-Clause
// What the directories of /proc hold.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/procfs_node.h"

// Positions: entries of the tables from 0, then links of the root, then processes by number.
enum { PID_POSITIONS = 1 << 16 };

// The table of system files as a tree: the entry's component below the directory; false if it is elsewhere, or if an
// earlier entry already gave the same directory.
static bool static_child(const struct proc_key *dir, size_t i, char name[64], struct proc_key *ret_key)
{
    const char *path = dir->table->files[i].path;
    size_t skip = dir->path_len ? dir->path_len + 1 : 0;

    if (dir->path_len && (strncmp(path, dir->path, dir->path_len) != 0 || path[dir->path_len] != '/'))
        return false;
    const char *slash = strchr(path + skip, '/');
    size_t end = slash ? (size_t)(slash - path) : strlen(path);
    if (slash && i && strncmp(dir->table->files[i - 1].path, path, end + 1) == 0)
        return false;
    fmt_format(name, 64, "%s", path + skip);
    name[MIN(end - skip, (size_t)63)] = '\0';
    *ret_key = slash ? (struct proc_key){ .kind = PROC_STATIC_DIR, .path = path, .path_len = end, .table = dir->table }
                     : (struct proc_key){ .kind = PROC_STATIC, .index = (u32)i, .table = dir->table };
    return true;
}

static int lowest_from(u32 pid, void *arg)
{
    u32 *range = arg; // [0]: from, [1]: best so far
    if (pid >= range[0] && pid < range[1])
        range[1] = pid;
    return 0;
}

// The lowest process, or thread of a process, from *position on.
static bool next_id(u32 pid, u64 base, u64 *position, char name[64], u32 *ret_id)
{
    u32 range[2] = { (u32)(*position - base), UINT32_MAX };
    if (!proc_ops)
        return false;
    proc_ops->for_each(pid, lowest_from, range);
    if (range[1] == UINT32_MAX)
        return false;
    fmt_format(name, 64, "%u", range[1]);
    *ret_id = range[1];
    *position = base + (u64)range[1] + 1;
    return true;
}

static bool next_process(u64 *position, char name[64], struct proc_key *ret_key)
{
    *ret_key = (struct proc_key){ .kind = PROC_PID };
    return next_id(0, PID_POSITIONS, position, name, &ret_key->pid);
}

static bool next_thread(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    *ret_key = (struct proc_key){ .kind = PROC_PID, .pid = dir->pid };
    return next_id(dir->pid, 0, position, name, &ret_key->tid);
}

static bool next_static(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    static const struct {
        const char *name;
        enum proc_kind kind;
    } links[] = { { "self", PROC_SELF }, { "thread-self", PROC_THREAD_SELF }, { "mounts", PROC_MOUNTS } };
    if (dir->table == &sys_system && sysfs_need_table() != 0)
        return false;
    size_t count = dir->table->count;

    while (*position < count)
        if (static_child(dir, (size_t)(*position)++, name, ret_key))
            return true;
    if (dir->path_len || dir->table != &proc_system)
        return false;
    if (*position < count + ARRAY_SIZE(links)) {
        size_t i = (size_t)((*position)++ - count);
        fmt_format(name, 64, "%s", links[i].name);
        *ret_key = (struct proc_key){ .kind = links[i].kind };
        return true;
    }
    *position = MAX(*position, (u64)PID_POSITIONS);
    return next_process(position, name, ret_key);
}

static bool next_of_process(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    static const struct {
        const char *name;
        enum proc_kind kind;
    } folders[] = { { "fd", PROC_FD_DIR }, { "fdinfo", PROC_FDINFO_DIR }, { "task", PROC_TASK_DIR } };
    u64 i;

    while ((i = (*position)++) < proc_pid_file_count) {
        if (dir->tid && proc_pid_files[i].process_only)
            continue;
        fmt_format(name, 64, "%s", proc_pid_files[i].name);
        *ret_key = (struct proc_key){ .kind = PROC_PID_FILE, .pid = dir->pid, .tid = dir->tid, .index = (u32)i };
        return true;
    }
    i -= proc_pid_file_count;
    if (i < PROC_PID_LINKS) {
        fmt_format(name, 64, "%s", proc_pid_links[i]);
        *ret_key = (struct proc_key){ .kind = PROC_PID_LINK, .pid = dir->pid, .tid = dir->tid, .index = (u32)i };
        return true;
    }
    i -= PROC_PID_LINKS;
    if (i >= ARRAY_SIZE(folders) || (dir->tid && folders[i].kind == PROC_TASK_DIR))
        return false;
    fmt_format(name, 64, "%s", folders[i].name);
    *ret_key = (struct proc_key){ .kind = folders[i].kind, .pid = dir->pid, .tid = dir->tid };
    return true;
}

static bool next_descriptor(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    struct files *files = proc_ops->files(dir->pid);
    if (!files)
        return false;
    int fd = *position > INT32_MAX ? -1 : files_next(files, (int)*position, NULL);
    files_unref(files);
    if (fd < 0)
        return false;
    fmt_format(name, 64, "%d", fd);
    *ret_key = (struct proc_key){
        .kind = dir->kind == PROC_FD_DIR ? PROC_FD : PROC_FDINFO, .pid = dir->pid, .tid = dir->tid, .index = (u32)fd
    };
    *position = (u64)fd + 1;
    return true;
}

bool proc_next_entry(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    switch (dir->kind) {
    case PROC_STATIC_DIR:
        return next_static(dir, position, name, ret_key);
    case PROC_PID:
        return next_of_process(dir, position, name, ret_key);
    case PROC_TASK_DIR:
        return next_thread(dir, position, name, ret_key);
    case PROC_FD_DIR:
    case PROC_FDINFO_DIR:
        return next_descriptor(dir, position, name, ret_key);
    default:
        return false;
    }
}
