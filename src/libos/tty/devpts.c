// SPDX-License-Identifier: BSD-3-Clause
// /dev/pts: a node for each terminal, by number. Nodes are made when they are looked up; what they say is the
// terminal's.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "libos/tty/tty.h"

enum { DEVPTS_DEV = 0xf1, INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3, POSITION_PTMX = 0, POSITION_FIRST = 1 };

struct node {
    struct inode inode;
    struct tty *tty; // referenced; NULL: the root, or ptmx
};

static struct node *node_of(struct inode *inode) { return container_of(inode, struct node, inode); }

static s64 made;
static const struct fs_instance_ops instance_ops; // kept for good
static const struct inode_ops ops;

static int make(u32 mode, u64 ino, struct tty *tty, struct inode **ret_inode)
{
    struct node *node = kzalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->tty = tty;
    inode_init(&node->inode, &ops, mode, ino);
    *ret_inode = &node->inode;
    return 0;
}

int devpts_node(struct tty *tty, struct inode **ret_inode)
{
    int err = make(S_IFCHR | 0620, INO_FIRST + (u64)tty->index, tty, ret_inode);
    if (!err)
        tty_ref(tty);
    return err;
}

// -1: no number as the kernel would write it.
static int parse(const char *name)
{
    int n = 0;

    if (!*name || (name[0] == '0' && name[1]))
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || n >= TTY_MAX)
            return -1;
        n = n * 10 + (*name - '0');
    }
    return n;
}

static int find(const char *name, struct inode **ret_inode)
{
    if (str_eq(name, "ptmx"))
        return make(S_IFCHR | 0666, INO_PTMX, NULL, ret_inode);
    struct tty *tty = tty_find(parse(name));
    if (!tty)
        return -ENOENT;
    int err = devpts_node(tty, ret_inode);
    tty_unref(tty);
    return err;
}

static int lookup(struct inode *dir, const char *name, struct inode **ret_inode)
{
    int err = find(name, ret_inode);
    if (!err)
        (*ret_inode)->instance = dir->instance;
    return err;
}

static struct inode *parent(struct inode *dir) { return inode_ref(dir); }
static long name_of(struct inode *dir, char *buf, size_t size) { return (long)fmt_format(buf, size, "%s", ""); }

static int getattr(struct inode *inode, struct kstat *st)
{
    struct tty *tty = node_of(inode)->tty;
    s64 time = tty ? tty->made : made;

    *st = (struct kstat){
        .dev = DEVPTS_DEV,
        .ino = inode->ino,
        .mode = inode->mode,
        .nlink = inode_is_dir(inode) ? 2 : 1,
        .blksize = 1024,
        .atime = time,
        .mtime = time,
        .ctime = time,
    };
    if (tty) {
        st->mode = S_IFCHR | READ_ONCE(tty->mode);
        st->uid = READ_ONCE(tty->uid);
        st->gid = READ_ONCE(tty->gid);
        st->rdev = TTY_DEVICE(TTY_MAJOR_PTS, tty->index);
    } else if (!inode_is_dir(inode)) {
        st->rdev = TTY_DEVICE(TTY_MAJOR_AUX, TTY_MINOR_PTMX);
    }
    return 0;
}

static int setattr(struct inode *inode, const struct attr_change *change)
{
    struct tty *tty = node_of(inode)->tty;

    if (!tty)
        return change->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
    if (change->valid & ATTR_MODE)
        WRITE_ONCE(tty->mode, change->mode & 07777);
    if (change->valid & ATTR_UID)
        WRITE_ONCE(tty->uid, change->uid);
    if (change->valid & ATTR_GID)
        WRITE_ONCE(tty->gid, change->gid);
    return 0;
}

static int emit_number(struct dir_sink *sink, int index)
{
    char name[16];
    size_t len = fmt_format(name, sizeof(name), "%d", index);
    return sink->emit(sink, name, len, INO_FIRST + (u64)index, S_IFCHR >> 12, (u64)index + POSITION_FIRST + 1);
}

static int getdents(struct file *file, struct dir_sink *sink, u64 *position)
{
    if (*position == POSITION_PTMX) {
        if (sink->emit(sink, "ptmx", 4, INO_PTMX, S_IFCHR >> 12, POSITION_FIRST))
            return 0;
        *position = POSITION_FIRST;
    }
    while (*position < POSITION_FIRST + TTY_MAX) {
        int index = tty_next((int)(*position - POSITION_FIRST));
        if (index < 0 || emit_number(sink, index))
            break;
        *position = (u64)index + POSITION_FIRST + 1;
    }
    return 0;
}

static const struct file_ops dir_ops = { .getdents = getdents };

static int open(struct inode *inode, struct file *file)
{
    struct tty *tty = node_of(inode)->tty;

    if (inode_is_dir(inode)) {
        file->ops = &dir_ops;
        return 0;
    }
    if (!tty)
        return pty_open_master(file);
    int err = tty->ops->open(tty, file);
    if (!err)
        tty_opened(tty, file);
    return err;
}

static int statfs(struct inode *inode, struct statfs *st)
{
    *st = (struct statfs){ .f_type = 0x1cd1, .f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = 255 };
    return 0;
}

static void release(struct inode *inode)
{
    tty_unref(node_of(inode)->tty);
    kfree(node_of(inode));
}

static const struct inode_ops ops = {
    .lookup = lookup,
    .parent = parent,
    .name = name_of,
    .getattr = getattr,
    .setattr = setattr,
    .open = open,
    .statfs = statfs,
    .release = release,
};

int devpts_create(struct inode **ret_root)
{
    struct fs_instance *instance = kzalloc(sizeof(*instance));

    if (!instance)
        return -ENOMEM;
    made = time_realtime_ns();
    int err = make(S_IFDIR | 0755, INO_ROOT, NULL, &instance->root);
    if (err) {
        kfree(instance);
        return err;
    }
    instance->ops = &instance_ops;
    instance->root->instance = instance;
    *ret_root = instance->root;
    return 0;
}
