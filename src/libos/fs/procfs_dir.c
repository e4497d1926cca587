// SPDX-License-Identifier: BSD-3-Clause
// What the directories of /proc hold.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/procfs_node.h"

// Positions: entries of the tables from 0, then two links of the root, then processes by number.
enum { PID_POSITIONS = 1 << 16 };

// The table of system files as a tree: the entry's component below the directory; false if it is elsewhere, or if an
// earlier entry already gave the same directory.
static bool static_child(const struct proc_key *dir, size_t i, char name[64], struct proc_key *ret_key)
{
    const char *path = proc_statics[i].path;
    size_t skip = dir->path_len ? dir->path_len + 1 : 0;

    if (dir->path_len && (strncmp(path, dir->path, dir->path_len) != 0 || path[dir->path_len] != '/'))
        return false;
    const char *slash = strchr(path + skip, '/');
    size_t end = slash ? (size_t)(slash - path) : strlen(path);
    if (slash && i && strncmp(proc_statics[i - 1].path, path, end + 1) == 0)
        return false;
    fmt_format(name, 64, "%s", path + skip);
    name[MIN(end - skip, (size_t)63)] = '\0';
    *ret_key = slash ? (struct proc_key){ .kind = PROC_STATIC_DIR, .path = path, .path_len = end }
                     : (struct proc_key){ .kind = PROC_STATIC, .index = (u32)i };
    return true;
}

static int lowest_from(u32 pid, void *arg)
{
    u32 *range = arg; // [0]: from, [1]: best so far
    if (pid >= range[0] && pid < range[1])
        range[1] = pid;
    return 0;
}

static bool next_process(u64 *position, char name[64], struct proc_key *ret_key)
{
    u32 range[2] = { (u32)(*position - PID_POSITIONS), UINT32_MAX };
    if (!proc_ops)
        return false;
    proc_ops->for_each_pid(lowest_from, range);
    if (range[1] == UINT32_MAX)
        return false;
    fmt_format(name, 64, "%u", range[1]);
    *ret_key = (struct proc_key){ .kind = PROC_PID, .pid = range[1] };
    *position = PID_POSITIONS + (u64)range[1] + 1;
    return true;
}

static bool next_static(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    while (*position < proc_static_count)
        if (static_child(dir, (size_t)(*position)++, name, ret_key))
            return true;
    if (dir->path_len)
        return false;
    if (*position == proc_static_count || *position == proc_static_count + 1) {
        bool self = (*position)++ == proc_static_count;
        fmt_format(name, 64, self ? "self" : "mounts");
        *ret_key = (struct proc_key){ .kind = self ? PROC_SELF : PROC_MOUNTS };
        return true;
    }
    *position = MAX(*position, (u64)PID_POSITIONS);
    return next_process(position, name, ret_key);
}

static bool next_of_process(const struct proc_key *dir, u64 *position, char name[64], struct proc_key *ret_key)
{
    u64 i = (*position)++;
    if (i < proc_pid_file_count) {
        fmt_format(name, 64, "%s", proc_pid_files[i]);
        *ret_key = (struct proc_key){ .kind = PROC_PID_FILE, .pid = dir->pid, .index = (u32)i };
    } else if (i < proc_pid_file_count + PROC_PID_LINKS) {
        i -= proc_pid_file_count;
        fmt_format(name, 64, "%s", proc_pid_links[i]);
        *ret_key = (struct proc_key){ .kind = PROC_PID_LINK, .pid = dir->pid, .index = (u32)i };
    } else {
        fmt_format(name, 64, "fd");
        *ret_key = (struct proc_key){ .kind = PROC_FD_DIR, .pid = dir->pid };
        return i == proc_pid_file_count + PROC_PID_LINKS;
    }
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
    *ret_key = (struct proc_key){ .kind = PROC_FD, .pid = dir->pid, .index = (u32)fd };
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
    case PROC_FD_DIR:
        return next_descriptor(dir, position, name, ret_key);
    default:
        return false;
    }
}
