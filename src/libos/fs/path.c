// SPDX-License-Identifier: BSD-3-Clause
// From paths to inodes (path_resolution(7)).
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/mount.h"
#include "libos/fs/permission.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"

enum { MAX_LINKS = 40, NAME_BYTES = 255 };

struct inode *fs_root;

struct walk {
    struct inode *root, *at; // referenced
    int links;
    u32 flags;
    struct lookup *out;
};

static void move_to(struct walk *w, struct inode *inode)
{
    inode_unref(w->at);
    w->at = inode;
}

static bool resolves(const struct walk *w, u32 flag) { return w->flags & lookup_resolve(flag); }

static int go_up(struct walk *w)
{
    if (w->at == w->root)
        return resolves(w, RESOLVE_BENEATH) ? -EXDEV : 0;
    if (READ_ONCE(w->at->covered) && resolves(w, RESOLVE_NO_XDEV))
        return -EXDEV;
    struct inode *at = inode_ref(w->at), *below;
    while (at != w->root && (below = mount_covered(at))) {
        inode_unref(at);
        at = below;
    }
    if (at != w->root)
        move_to(w, mount_cross(at->ops->parent ? at->ops->parent(at) : inode_ref(at)));
    inode_unref(at);
    return 0;
}

static int look_up(const struct walk *w, const char *name, struct inode **ret_inode)
{
    struct inode *dir = w->at;
    if (!inode_is_dir(dir) || !dir->ops->lookup)
        return -ENOTDIR;
    struct inode *inode;
    int err = dir->ops->lookup(dir, name, &inode);
    if (err)
        return err;
    if (READ_ONCE(inode->mounted) && resolves(w, RESOLVE_NO_XDEV)) {
        inode_unref(inode);
        return -EXDEV;
    }
    *ret_inode = mount_cross(inode);
    return 0;
}

static int walk_path(struct walk *w, const char *path);

// An absolute path begins anew.
static int to_root(struct walk *w)
{
    if (resolves(w, RESOLVE_BENEATH))
        return -EXDEV;
    if (resolves(w, RESOLVE_NO_XDEV) && w->at->ops != w->root->ops)
        return -EXDEV;
    move_to(w, inode_ref(w->root));
    return 0;
}

static int follow_link(struct walk *w, struct inode *link)
{
    struct inode *target;

    if (++w->links > MAX_LINKS || resolves(w, RESOLVE_NO_SYMLINKS))
        return -ELOOP;
    if (link->ops->follow) {
        int err = link->ops->follow(link, &target);
        if (!err && resolves(w, RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_XDEV)) {
            inode_unref(target);
            return resolves(w, RESOLVE_NO_MAGICLINKS) ? -ELOOP : -EXDEV;
        }
        if (!err)
            move_to(w, target);
        if (err != -EAGAIN)
            return err;
    }
    char *text = kmalloc(PATH_BYTES);
    if (!text)
        return -ENOMEM;
    long n = link->ops->readlink(link, text, PATH_BYTES - 1);
    int err = n < 0 ? (int)n : n == 0 ? -ENOENT : 0;
    if (!err) {
        text[n] = '\0';
        err = text[0] == '/' ? to_root(w) : 0;
        if (!err)
            err = walk_path(w, text);
    }
    kfree(text);
    return err;
}

// The last component: reported with its parent, whether it exists or not.
static int last_component(struct walk *w, const char *name, bool slash)
{
    struct lookup *out = w->out;
    struct inode *inode = NULL;

    bool follow = slash ? !(w->flags & LOOKUP_NAME) : (w->flags & LOOKUP_FOLLOW) != 0;
    int err = look_up(w, name, &inode);
    if (err && err != -ENOENT)
        return err;
    if (inode && S_ISLNK(inode->mode) && follow) {
        u32 flags = w->flags;
        w->flags |= LOOKUP_FOLLOW; // also the links that this one leads to
        err = follow_link(w, inode);
        w->flags = flags;
        inode_unref(inode);
        out->must_be_dir |= slash;
        return err;
    }
    if (out->parent)
        inode_unref(out->parent);
    if (out->inode)
        inode_unref(out->inode);
    out->parent = inode_ref(w->at);
    out->inode = inode;
    out->last = LAST_NAME;
    out->must_be_dir |= slash;
    memcpy(out->name, name, strlen(name) + 1);
    if (inode)
        move_to(w, inode_ref(inode));
    return 0;
}

// "." and "..", and "/" itself: a directory without a name of its own.
static void nameless(struct walk *w, enum last_component last)
{
    struct lookup *out = w->out;
    if (out->parent)
        inode_unref(out->parent);
    if (out->inode)
        inode_unref(out->inode);
    out->parent = inode_ref(w->at);
    out->inode = inode_ref(w->at);
    out->name[0] = '\0';
    out->last = last;
}

// Moves one component that is not the last.
static int inner_component(struct walk *w, const char *name)
{
    struct inode *inode;
    int err = look_up(w, name, &inode);
    if (err)
        return err;
    if (!S_ISLNK(inode->mode)) {
        move_to(w, inode);
        return 0;
    }
    u32 flags = w->flags;
    w->flags = (flags | LOOKUP_FOLLOW) & ~(u32)LOOKUP_NAME;
    err = follow_link(w, inode);
    w->flags = flags;
    w->out->must_be_dir = false; // a slash at the end of the link's text says nothing of what follows
    inode_unref(inode);
    // The walk of the link's text ended at its last component, which must exist and is where we are now.
    if (!err && w->out->name[0] && !w->out->inode)
        err = -ENOENT;
    return err;
}

static int walk_path(struct walk *w, const char *path)
{
    char name[NAME_BYTES + 1];

    nameless(w, LAST_ROOT);
    for (;;) {
        while (*path == '/')
            path++;
        if (!*path)
            return 0;
        size_t n = 0;
        while (path[n] && path[n] != '/')
            n++;
        if (n > NAME_BYTES)
            return -ENAMETOOLONG;
        memcpy(name, path, n);
        name[n] = '\0';
        path += n;
        const char *rest = path;
        while (*rest == '/')
            rest++;
        bool last = !*rest, slash = last && *path == '/';
        if (!inode_is_dir(w->at))
            return -ENOTDIR;
        int err = inode_permission(w->at, MAY_EXEC);
        if (err)
            return err;
        if (str_eq(name, ".") || str_eq(name, "..")) {
            err = name[1] ? go_up(w) : 0;
            if (err)
                return err;
            nameless(w, name[1] ? LAST_DOTDOT : LAST_DOT);
        } else {
            err = last ? last_component(w, name, slash) : inner_component(w, name);
            if (err)
                return err;
        }
        if (last)
            return 0;
    }
}

static int start_of(int dirfd, const char *path, struct inode **ret_start)
{
    struct fs_context *fs = current->fs;

    if (path[0] == '/' || dirfd == AT_FDCWD) {
        mutex_lock(&fs->lock);
        *ret_start = inode_ref(path[0] == '/' ? fs->root : fs->cwd);
        mutex_unlock(&fs->lock);
        return 0;
    }
    struct file *file = files_get_path(dirfd);
    if (!file)
        return -EBADF;
    int err = file->inode ? 0 : -ENOTDIR;
    if (!err)
        *ret_start = inode_ref(file->inode);
    file_unref(file);
    return err;
}

int path_lookup(int dirfd, const char *path, u32 flags, struct lookup *ret_lookup)
{
    struct lookup out = { 0 };
    struct walk w = { .flags = flags, .out = &out };

    bool confined = resolves(&w, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
    if (!path[0] && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    if (path[0] == '/' && resolves(&w, RESOLVE_BENEATH))
        return -EXDEV;
    int err = start_of(dirfd, confined ? "" : path, &w.at);
    if (err)
        return err;
    mutex_lock(&current->fs->lock);
    w.root = inode_ref(confined ? w.at : current->fs->root);
    mutex_unlock(&current->fs->lock);
    if (!path[0])
        nameless(&w, LAST_DOT);
    else
        err = inode_is_dir(w.at) ? walk_path(&w, path) : -ENOTDIR;
    if (!err && out.must_be_dir && out.inode && !inode_is_dir(out.inode) && !(flags & LOOKUP_NAME))
        err = -ENOTDIR;
    // A magic link moved the walk without naming anything.
    if (!err && out.inode != w.at && out.inode)
        nameless(&w, LAST_ROOT);
    inode_unref(w.root);
    inode_unref(w.at);
    if (err)
        lookup_done(&out);
    else
        *ret_lookup = out;
    return err;
}

void lookup_done(struct lookup *lookup)
{
    if (lookup->parent)
        inode_unref(lookup->parent);
    if (lookup->inode)
        inode_unref(lookup->inode);
    lookup->parent = lookup->inode = NULL;
}

int path_inode(int dirfd, const char *path, u32 flags, struct inode **ret_inode)
{
    struct lookup lookup;
    int err = path_lookup(dirfd, path, flags, &lookup);
    if (err)
        return err;
    if (lookup.inode)
        *ret_inode = inode_ref(lookup.inode);
    else
        err = -ENOENT;
    lookup_done(&lookup);
    return err;
}

// Builds the path from the end of buf backwards, then moves it to the front.
int inode_path(struct inode *dir, char *buf, size_t size)
{
    char name[NAME_BYTES + 1];
    size_t at = size;
    int err = 0;

    struct inode *root;
    mutex_lock(&current->fs->lock);
    root = inode_ref(current->fs->root);
    mutex_unlock(&current->fs->lock);
    inode_ref(dir);
    while (!err && dir != root) {
        struct inode *below;
        while (dir != root && (below = mount_covered(dir))) {
            inode_unref(dir);
            dir = below;
        }
        if (dir == root || !dir->ops->name || dir == fs_root)
            break;
        long n = dir->ops->name(dir, name, sizeof(name));
        if (n < 0) {
            err = (int)n;
        } else if ((size_t)n + 1 > at) {
            err = -ERANGE;
        } else {
            at -= (size_t)n;
            memcpy(buf + at, name, (size_t)n);
            buf[--at] = '/';
            struct inode *parent = dir->ops->parent(dir);
            inode_unref(dir);
            dir = parent;
        }
    }
    inode_unref(dir);
    inode_unref(root);
    if (err)
        return err;
    if (at == size)
        buf[--at] = '/';
    memmove(buf, buf + at, size - at);
    if (size - at >= size)
        return -ERANGE;
    buf[size - at] = '\0';
    return (int)(size - at);
}
