// SPDX-License-Identifier: BSD-3-Clause
// /proc: names, links and attributes (proc(5)).
#include "libos/fs/procfs.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/instance.h"
#include "libos/fs/procfs_node.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"

const struct proc_ops *proc_ops;
struct inode *proc_root;

void procfs_set_ops(const struct proc_ops *ops) { proc_ops = ops; }
u32 fs_current_pid(void) { return proc_ops ? proc_ops->current_pid() : 0; }

const char *const proc_pid_files[] = { "cmdline",   "comm",   "environ", "limits", "maps",
                                       "mountinfo", "mounts", "stat",    "statm",  "status" };
const size_t proc_pid_file_count = ARRAY_SIZE(proc_pid_files);
const char *const proc_pid_links[PROC_PID_LINKS] = { "cwd", "exe", "root" };

static const struct inode_ops ops;

u32 proc_mode(const struct proc_key *key)
{
    switch (key->kind) {
    case PROC_STATIC_DIR:
    case PROC_PID:
        return S_IFDIR | 0555;
    case PROC_FD_DIR:
        return S_IFDIR | 0500;
    case PROC_STATIC:
    case PROC_PID_FILE:
        return S_IFREG | 0444;
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
    return 1 + ((u64)key->pid << 24) + ((u64)key->index << 4) + key->kind + (hash << 40 >> 8);
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

static int same_pid(u32 pid, void *arg) { return pid == *(u32 *)arg; }
bool proc_pid_exists(u32 pid) { return proc_ops && proc_ops->for_each_pid(same_pid, &pid); }

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

// Numbered directories are not walked through: each name is checked by itself.
static int find_numbered(const struct proc_key *dir, const char *name, struct proc_key *ret_key)
{
    u32 number;
    if (!parse_number(name, &number))
        return -ENOENT;
    if (dir->kind != PROC_FD_DIR) {
        *ret_key = (struct proc_key){ .kind = PROC_PID, .pid = number };
        return proc_pid_exists(number) ? 0 : -ENOENT;
    }
    struct files *files = proc_ops->files(dir->pid);
    if (!files)
        return -ENOENT;
    bool open = files_next(files, (int)number, NULL) == (int)number;
    files_unref(files);
    *ret_key = (struct proc_key){ .kind = PROC_FD, .pid = dir->pid, .index = number };
    return open ? 0 : -ENOENT;
}

static int lookup(struct inode *inode, const char *name, struct inode **ret_inode)
{
    const struct proc_key *dir = &proc_node_of(inode)->key;
    struct proc_key key;
    char entry[64];
    u64 position = 0;
    int err = -ENOENT;

    if (dir->kind == PROC_FD_DIR || inode == proc_root)
        err = find_numbered(dir, name, &key);
    if (err && dir->kind == PROC_PID && !proc_pid_exists(dir->pid))
        return -ENOENT;
    while (err && dir->kind != PROC_FD_DIR && proc_next_entry(dir, &position, entry, &key) && key.kind != PROC_PID)
        if (str_eq(entry, name))
            err = 0;
    return err ? err : proc_node_make(&key, ret_inode);
}

static struct inode *parent_of(struct inode *inode)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    struct proc_key up = { .kind = PROC_STATIC_DIR, .path = key->path };
    struct inode *parent;

    if (key->kind == PROC_FD_DIR)
        up = (struct proc_key){ .kind = PROC_PID, .pid = key->pid };
    else if (key->kind == PROC_STATIC_DIR && key->path_len)
        for (up.path_len = key->path_len - 1; up.path_len && key->path[up.path_len] != '/';)
            up.path_len--;
    if ((up.kind == PROC_STATIC_DIR && !up.path_len) || proc_node_make(&up, &parent))
        return inode_ref(proc_root);
    return parent;
}

static long name_of(struct inode *inode, char *buf, size_t size)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    size_t len;

    if (key->kind == PROC_PID) {
        len = fmt_format(buf, size, "%u", key->pid);
    } else if (key->kind == PROC_FD_DIR) {
        len = fmt_format(buf, size, "fd");
    } else {
        size_t start = key->path_len;
        while (start && key->path[start - 1] != '/')
            start--;
        len = fmt_format(buf, size, "%s", key->path + start);
        len = MIN(len, key->path_len - start);
    }
    return len < size ? (long)len : -ERANGE;
}

// The file behind /proc/PID/fd/N, referenced; NULL if it was closed meanwhile.
static struct file *file_of(const struct proc_key *key)
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

static long readlink(struct inode *inode, char *buf, size_t size)
{
    const struct proc_key *key = &proc_node_of(inode)->key;

    switch (key->kind) {
    case PROC_SELF:
        return (long)fmt_format(buf, size, "%u", proc_ops->current_pid());
    case PROC_MOUNTS:
        return (long)fmt_format(buf, size, "self/mounts");
    case PROC_PID_LINK:
        return proc_ops->link(key->pid, proc_pid_links[key->index], buf, size);
    case PROC_FD: {
        struct file *file = file_of(key);
        if (!file)
            return -ENOENT;
        long len = (long)file_path(file, buf, size);
        file_unref(file);
        return len;
    }
    default:
        return -EINVAL;
    }
}

static int follow(struct inode *inode, struct inode **ret_target)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    if (key->kind != PROC_FD)
        return -EAGAIN;
    struct file *file = file_of(key);
    int err = !file ? -ENOENT : !file->inode ? -ENXIO : 0;
    if (!err)
        *ret_target = inode_ref(file->inode);
    if (file)
        file_unref(file);
    return err;
}

static int getattr(struct inode *inode, struct kstat *ret_stat)
{
    s64 now = time_realtime_ns();
    *ret_stat = (struct kstat){
        .dev = PROC_DEV,
        .ino = inode->ino,
        .mode = inode->mode,
        .nlink = inode_is_dir(inode) ? 2 : 1,
        .blksize = 1024,
        .atime = now,
        .mtime = now,
        .ctime = now,
    };
    return 0;
}

static int statfs(struct inode *inode, struct statfs *ret_statfs)
{
    memset(ret_statfs, 0, sizeof(*ret_statfs));
    ret_statfs->f_type = 0x9fa0; // PROC_SUPER_MAGIC
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
    .open = proc_open,
    .statfs = statfs,
    .release = release,
};

int procfs_create(struct inode **ret_root)
{
    struct proc_key key = { .kind = PROC_STATIC_DIR, .path = "" };
    static const struct fs_instance_ops instance_ops;
    static struct fs_instance instance = { .ops = &instance_ops };
    int err = proc_root ? 0 : proc_node_make(&key, &proc_root);
    if (err)
        return err;
    proc_root->instance = &instance;
    instance.root = proc_root;
    *ret_root = proc_root;
    return 0;
}
