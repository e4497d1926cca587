// SPDX-License-Identifier: BSD-3-Clause
// Names of AF_UNIX sockets: files, which the inode leads to the socket, and abstract names, which nobody but the table
// knows. Autobind gives five hexadecimal digits.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/permission.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/net/unix.h"
#include "libos/thread/thread.h"

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path), BUCKETS = 64 };

static struct mutex names_lock = MUTEX_INIT(LOCK_UNIX_NAMES);
static struct list_head buckets[BUCKETS];

static u32 hash(const struct inode *inode, const struct net_name *name)
{
    u64 h = (u64)(uintptr_t)inode >> 5;
    for (u32 i = 0; !inode && i < name->size; i++)
        h = h * 31 + name->bytes[i];
    return (u32)(h % BUCKETS);
}

static struct list_head *bucket_of(const struct inode *inode, const struct net_name *name)
{
    struct list_head *bucket = &buckets[hash(inode, name)];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

// names_lock held.
static struct unix_name *lookup(const struct inode *inode, const struct net_name *name)
{
    mutex_assert_held(&names_lock);
    struct unix_name *entry;
    list_for_each (entry, bucket_of(inode, name), link) {
        bool same = inode ? entry->inode == inode
                          : !entry->inode && entry->name.size == name->size &&
                                !memcmp(entry->name.bytes, name->bytes, name->size);
        if (same)
            return entry;
    }
    return NULL;
}

struct unix_name *unix_name_ref(struct unix_name *name)
{
    __atomic_fetch_add(&name->refs, 1, __ATOMIC_RELAXED);
    return name;
}

void unix_name_put(struct unix_name *name)
{
    if (!name || __atomic_fetch_sub(&name->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    if (name->inode)
        inode_unref(name->inode);
    kfree(name);
}

void unix_name_unlist(struct unix_socket *socket)
{
    mutex_lock(&names_lock);
    struct unix_name *name = socket->name; // set under names_lock; an accepted socket has its listener's
    if (name && name->socket == socket) {
        list_del(&name->link);
        name->socket = NULL;
    }
    mutex_unlock(&names_lock);
}

// The path of a file-system name, terminated.
static int path_of(const struct net_name *name, char path[UNIX_PATH_MAX + 1])
{
    size_t size = name->size - PATH_AT;
    memcpy(path, name->bytes + PATH_AT, size);
    path[size] = '\0';
    return 0;
}

static bool is_abstract(const struct net_name *name) { return !name->bytes[PATH_AT]; }

static int check(const struct net_name *name)
{
    if (name->size < sizeof(name->family) || name->size > sizeof(struct sockaddr_un))
        return -EINVAL;
    return name->family == AF_UNIX ? 0 : -EINVAL;
}

// Makes the socket's file: *ret_inode, referenced.
static int make_file(const struct net_name *name, struct inode **ret_inode)
{
    char path[UNIX_PATH_MAX + 1];
    struct lookup found;

    path_of(name, path);
    int err = path_lookup(AT_FDCWD, path, LOOKUP_NAME, &found);
    if (err)
        return err;
    struct inode *dir = found.parent;
    if (found.inode || found.last != LAST_NAME)
        err = -EADDRINUSE;
    else if (!dir->ops->create)
        err = -EROFS;
    else if (!(err = may_create(dir)))
        err = dir->ops->create(dir, found.name, S_IFSOCK | (0777 & ~current->fs->umask), 0, ret_inode);
    lookup_done(&found);
    return err == -EEXIST ? -EADDRINUSE : err;
}

// names_lock held.
static void choose_name(struct net_name *name)
{
    mutex_assert_held(&names_lock);
    static u32 next;
    do {
        char text[8];
        fmt_format(text, sizeof(text), "%05x", next++ & 0xfffff);
        *name = (struct net_name){ .size = PATH_AT + 6, .family = AF_UNIX };
        memcpy(name->bytes + PATH_AT + 1, text, 5);
    } while (lookup(NULL, name));
}

static int attach(struct unix_socket *socket, struct unix_name *name)
{
    int err = 0;

    mutex_lock(&names_lock);
    if (name->name.size == PATH_AT)
        choose_name(&name->name);
    if (!name->inode && lookup(NULL, &name->name))
        err = -EADDRINUSE;
    mutex_lock(&socket->lock);
    if (!err && socket->name)
        err = -EINVAL;
    if (!err) {
        socket->name = name;
        name->socket = socket;
        list_add(&name->link, bucket_of(name->inode, &name->name));
    }
    mutex_unlock(&socket->lock);
    mutex_unlock(&names_lock);
    return err;
}

static bool has_name(struct unix_socket *socket)
{
    mutex_lock(&socket->lock);
    bool has = socket->name;
    mutex_unlock(&socket->lock);
    return has;
}

int unix_bind(struct socket *base, const struct net_name *wanted)
{
    int err = check(wanted);
    if (!err && has_name(unix_of(base))) // before a file is made
        err = -EINVAL;
    if (err)
        return err;
    struct unix_name *name = kzalloc(sizeof(*name));
    if (!name)
        return -ENOMEM;
    name->refs = 1;
    list_init(&name->link);
    name->name = *wanted;
    if (wanted->size == sizeof(wanted->family))
        name->name.size = PATH_AT;
    else if (!is_abstract(wanted)) {
        err = make_file(wanted, &name->inode);
        // The name a program is told ends with its path's NUL, if there is room.
        size_t path = strnlen((const char *)wanted->bytes + PATH_AT, wanted->size - PATH_AT);
        name->name.size = (u32)MIN(PATH_AT + path + 1, sizeof(struct sockaddr_un));
    }
    if (!err)
        err = attach(unix_of(base), name);
    if (err)
        unix_name_put(name);
    return err;
}

int unix_find(const struct net_name *name, struct unix_socket **ret_socket)
{
    char path[UNIX_PATH_MAX + 1];
    struct inode *inode = NULL;
    int err = check(name);

    if (!err && name->size <= PATH_AT)
        err = -EINVAL;
    if (!err && !is_abstract(name)) {
        path_of(name, path);
        err = path_inode(AT_FDCWD, path, LOOKUP_FOLLOW, &inode);
        if (!err && !S_ISSOCK(inode->mode))
            err = -ECONNREFUSED;
        if (!err)
            err = inode_permission(inode, MAY_WRITE);
    }
    mutex_lock(&names_lock);
    struct unix_name *entry = err ? NULL : lookup(inode, name);
    // The socket takes its name off the table before its last reference goes: so this one is good.
    if (entry)
        *ret_socket = unix_ref(entry->socket);
    mutex_unlock(&names_lock);
    if (inode)
        inode_unref(inode);
    if (err)
        return err;
    return entry ? 0 : -ECONNREFUSED;
}
