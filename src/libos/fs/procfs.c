// SPDX-License-Identifier: BSD-3-Clause
// /proc: names, links and attributes (proc(5)).
#include "libos/fs/procfs.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/instance.h"
#include "libos/fs/procfs_node.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"

const struct proc_ops *proc_ops;
struct inode *proc_root;
static struct inode *sys_root; // lives for good

void procfs_set_ops(const struct proc_ops *ops) { proc_ops = ops; }
u32 fs_current_pid(void) { return proc_ops ? proc_ops->current_pid() : 0; }

const struct proc_pid_file proc_pid_files[] = {
    { .name = "auxv", .mode = 0400, .inner = true },
    { .name = "cgroup", .mode = 0444 },
    { .name = "cmdline", .mode = 0444 },
    { .name = "comm", .mode = 0644 },
    { .name = "environ", .mode = 0400, .inner = true },
    { .name = "io", .mode = 0400, .inner = true },
    { .name = "limits", .mode = 0444 },
    { .name = "loginuid", .mode = 0644 },
    { .name = "maps", .mode = 0444, .inner = true },
    { .name = "mountinfo", .mode = 0444 },
    { .name = "mounts", .mode = 0444 },
    { .name = "mountstats", .mode = 0400, .process_only = true },
    { .name = "oom_adj", .mode = 0644 },
    { .name = "oom_score", .mode = 0444 },
    { .name = "oom_score_adj", .mode = 0644 },
    { .name = "personality", .mode = 0400, .inner = true },
    { .name = "sessionid", .mode = 0444 },
    { .name = "smaps", .mode = 0444, .inner = true },
    { .name = "smaps_rollup", .mode = 0444, .inner = true },
    { .name = "stat", .mode = 0444 },
    { .name = "statm", .mode = 0444 },
    { .name = "status", .mode = 0444 },
    { .name = "wchan", .mode = 0444 },
};
const size_t proc_pid_file_count = ARRAY_SIZE(proc_pid_files);
const char *const proc_pid_links[PROC_PID_LINKS] = { "cwd", "exe", "root" };

static const struct inode_ops ops;

u32 proc_mode(const struct proc_key *key)
{
    switch (key->kind) {
    case PROC_STATIC_DIR:
    case PROC_PID:
    case PROC_TASK_DIR:
        return S_IFDIR | 0555;
    case PROC_FD_DIR:
    case PROC_FDINFO_DIR:
        return S_IFDIR | 0500;
    case PROC_STATIC:
        return S_IFREG | key->table->files[key->index].mode;
    case PROC_PID_FILE:
        return S_IFREG | proc_pid_files[key->index].mode;
    case PROC_FDINFO:
        return S_IFREG | 0400;
    case PROC_FD:
        return S_IFLNK | 0700;
    default:
        return S_IFLNK | 0777;
    }
}

u64 proc_ino(const struct proc_key *key)
{
    u64 hash = 0;
    for (size_t i = 0; i < key->path_len; i++)
        hash = hash * 31 + (u8)key->path[i];
    return 1 + ((u64)(key->tid ? key->tid : key->pid) << 24) + ((u64)key->index << 4) + key->kind +
           ((u64)(key->tid != 0) << 56) + (hash << 40 >> 8);
}

int proc_node_make(const struct proc_key *key, struct inode **ret_inode)
{
    struct proc_node *node = kzalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->key = *key;
    inode_init(&node->inode, &ops, proc_mode(key), proc_ino(key));
    *ret_inode = &node->inode;
    return 0;
}

u32 procfs_process_of(const struct file *file)
{
    struct inode *inode = file->inode;
    bool process = inode && inode->ops == &ops && proc_node_of(inode)->key.kind == PROC_PID;
    return process ? proc_node_of(inode)->key.pid : 0;
}

bool proc_alive(const struct proc_key *key)
{
    u32 process = proc_ops ? proc_ops->process_of(key->tid ? key->tid : key->pid) : 0;
    return process && (!key->tid || process == key->pid);
}

static bool parse_number(const char *name, u32 *ret_number)
{
    u64 n = 0;
    if (!name[0] || (name[0] == '0' && name[1]))
        return false;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || n > INT32_MAX / 10)
            return false;
        n = n * 10 + (u64)(*name - '0');
    }
    *ret_number = (u32)n;
    return n <= INT32_MAX;
}

static bool is_open(u32 pid, u32 number)
{
    struct files *files = proc_ops->files(pid);
    bool open = files && files_next(files, (int)number, NULL) == (int)number;
    if (files)
        files_unref(files);
    return open;
}

// Numbered directories are not walked through: each name is checked by itself.
static int find_numbered(const struct proc_key *dir, const char *name, struct proc_key *ret_key)
{
    u32 number;
    if (!parse_number(name, &number))
        return -ENOENT;
    *ret_key = (struct proc_key){ .pid = dir->pid, .tid = dir->tid, .index = number };
    switch (dir->kind) {
    case PROC_FD_DIR:
    case PROC_FDINFO_DIR:
        ret_key->kind = dir->kind == PROC_FD_DIR ? PROC_FD : PROC_FDINFO;
        return is_open(dir->pid, number) ? 0 : -ENOENT;
    case PROC_TASK_DIR:
        *ret_key = (struct proc_key){ .kind = PROC_PID, .pid = dir->pid, .tid = number };
        return proc_alive(ret_key) ? 0 : -ENOENT;
    default: // a thread's id leads to its process, though no listing shows it
        *ret_key = (struct proc_key){ .kind = PROC_PID, .pid = proc_ops ? proc_ops->process_of(number) : 0 };
        return ret_key->pid ? 0 : -ENOENT;
    }
}

static bool is_numbered(const struct inode *inode, const struct proc_key *key)
{
    return inode == proc_root || key->kind == PROC_FD_DIR || key->kind == PROC_FDINFO_DIR || key->kind == PROC_TASK_DIR;
}

static int lookup(struct inode *inode, const char *name, struct inode **ret_inode)
{
    const struct proc_key *dir = &proc_node_of(inode)->key;
    struct proc_key key;
    char entry[64];
    u64 position = 0;
    int err = -ENOENT;

    if (dir->pid && !proc_alive(dir))
        return -ENOENT;
    if (is_numbered(inode, dir))
        err = find_numbered(dir, name, &key);
    if (err && dir->kind != PROC_STATIC_DIR && dir->kind != PROC_PID)
        return err;
    while (err && proc_next_entry(dir, &position, entry, &key) && key.kind != PROC_PID)
        if (str_eq(entry, name))
            err = 0;
    return err ? err : proc_node_make(&key, ret_inode);
}

static struct inode *parent_of(struct inode *inode)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    struct proc_key up = { .kind = PROC_STATIC_DIR, .path = key->path, .table = key->table };
    struct inode *parent;

    if (key->kind == PROC_PID && key->tid)
        up = (struct proc_key){ .kind = PROC_TASK_DIR, .pid = key->pid };
    else if (key->kind != PROC_PID && key->kind != PROC_STATIC_DIR)
        up = (struct proc_key){ .kind = PROC_PID, .pid = key->pid, .tid = key->tid };
    else if (key->path_len)
        for (up.path_len = key->path_len - 1; up.path_len && key->path[up.path_len] != '/';)
            up.path_len--;
    bool top = up.kind == PROC_STATIC_DIR && !up.path_len;
    if (top || proc_node_make(&up, &parent))
        return inode_ref(key->table == &sys_system ? sys_root : proc_root);
    return parent;
}

static long name_of(struct inode *inode, char *buf, size_t size)
{
    static const char *const folders[] = {
        [PROC_TASK_DIR] = "task", [PROC_FD_DIR] = "fd", [PROC_FDINFO_DIR] = "fdinfo"
    };
    const struct proc_key *key = &proc_node_of(inode)->key;
    size_t len;

    if (key->kind == PROC_PID) {
        len = fmt_format(buf, size, "%u", key->tid ? key->tid : key->pid);
    } else if (key->kind < ARRAY_SIZE(folders) && folders[key->kind]) {
        len = fmt_format(buf, size, "%s", folders[key->kind]);
    } else {
        size_t start = key->path_len;
        while (start && key->path[start - 1] != '/')
            start--;
        len = fmt_format(buf, size, "%s", key->path + start);
        len = MIN(len, key->path_len - start);
    }
    return len < size ? (long)len : -ERANGE;
}

struct file *proc_file_of(const struct proc_key *key)
{
    struct files *files = proc_ops->files(key->pid);
    struct file *file = NULL;
    if (!files)
        return NULL;
    int fd = files_next(files, (int)key->index, &file);
    files_unref(files);
    if (fd == (int)key->index)
        return file;
    if (fd >= 0)
        file_unref(file);
    return NULL;
}

static long read_fd(const struct proc_key *key, char *buf, size_t size)
{
    struct file *file = proc_file_of(key);
    if (!file)
        return -ENOENT;
    long len = (long)file_path(file, buf, size);
    file_unref(file);
    return len;
}

static long readlink(struct inode *inode, char *buf, size_t size)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    int err = key->kind == PROC_FD || key->kind == PROC_PID_LINK ? proc_ops->may_look(key->pid) : 0;

    if (err)
        return err;
    switch (key->kind) {
    case PROC_SELF:
        return (long)fmt_format(buf, size, "%u", proc_ops->current_pid());
    case PROC_THREAD_SELF:
        return (long)fmt_format(buf, size, "%u/task/%u", proc_ops->current_pid(), current->tid);
    case PROC_MOUNTS:
        return (long)fmt_format(buf, size, "self/mounts");
    case PROC_PID_LINK:
        return proc_ops->link(key->pid, proc_pid_links[key->index], buf, size);
    case PROC_FD:
        return read_fd(key, buf, size);
    default:
        return -EINVAL;
    }
}

static int follow_fd(const struct proc_key *key, struct inode **ret_target)
{
    struct file *file = proc_file_of(key);
    int err = !file ? -ENOENT : !file->inode ? -ENXIO : 0;
    if (!err)
        *ret_target = inode_ref(file->inode);
    if (file)
        file_unref(file);
    return err;
}

static int follow(struct inode *inode, struct inode **ret_target)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    if (key->kind != PROC_FD && key->kind != PROC_PID_LINK)
        return -EAGAIN;
    int err = proc_ops->may_look(key->pid);
    if (err)
        return err;
    if (key->kind == PROC_FD)
        return follow_fd(key, ret_target);
    if (str_eq(proc_pid_links[key->index], "exe"))
        return -EAGAIN;
    *ret_target = proc_ops->folder(key->pid, str_eq(proc_pid_links[key->index], "root"));
    return *ret_target ? 0 : -ENOENT;
}

static int getattr(struct inode *inode, struct kstat *ret_stat)
{
    s64 now = time_realtime_ns();
    *ret_stat = (struct kstat){
        .dev = PROC_DEV,
        .ino = inode->ino,
        .mode = proc_mode(&proc_node_of(inode)->key),
        .nlink = inode_is_dir(inode) ? 2 : 1,
        .blksize = 1024,
        .atime = now,
        .mtime = now,
        .ctime = now,
    };
    if (proc_node_of(inode)->key.pid)
        proc_ops->owner(proc_node_of(inode)->key.pid, &ret_stat->uid, &ret_stat->gid);
    return 0;
}

static int setattr(struct inode *inode, const struct attr_change *change)
{
    return change->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM
                                                             : 0; // as Linux has it, which takes the rest for no change
}

static int statfs(struct inode *inode, struct statfs *ret_statfs)
{
    memset(ret_statfs, 0, sizeof(*ret_statfs));
    const struct proc_table *table = proc_node_of(inode)->key.table;
    const char *path = proc_node_of(inode)->key.path;
    ret_statfs->f_type = table ? table->magic : proc_system.magic;
    if (table == &sys_system && path && str_starts(path, "fs/cgroup"))
        ret_statfs->f_type = 0x63677270; // CGROUP2_SUPER_MAGIC
    ret_statfs->f_bsize = ret_statfs->f_frsize = PAGE_SIZE;
    ret_statfs->f_namelen = 255;
    return 0;
}

static void release(struct inode *inode) { kfree(proc_node_of(inode)); }

static const struct inode_ops ops = {
    .lookup = lookup,
    .parent = parent_of,
    .name = name_of,
    .readlink = readlink,
    .follow = follow,
    .getattr = getattr,
    .setattr = setattr,
    .open = proc_open,
    .statfs = statfs,
    .release = release,
};

// Mounted several times it is one file system.
static int create(const struct proc_table *table, struct fs_instance *instance, struct inode **root,
                  struct inode **ret_root)
{
    static const struct fs_instance_ops instance_ops;
    struct proc_key key = { .kind = PROC_STATIC_DIR, .path = "", .table = table };
    int err = *root ? 0 : proc_node_make(&key, root);
    if (err)
        return err;
    instance->ops = &instance_ops;
    (*root)->instance = instance;
    instance->root = *root;
    *ret_root = *root;
    return 0;
}

int procfs_create(struct inode **ret_root)
{
    static struct fs_instance instance;
    return create(&proc_system, &instance, &proc_root, ret_root);
}

int sysfs_create(struct inode **ret_root)
{
    static struct fs_instance instance;
    return create(&sys_system, &instance, &sys_root, ret_root);
}
