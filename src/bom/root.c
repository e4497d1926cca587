// SPDX-License-Identifier: BSD-3-Clause
#include "bom/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A walk: the open folders from the root to where it is, and what is still to go.
struct walk {
    int folders[ROOT_DEPTH_MAX];
    size_t depth; // folders[0] is the root
    char *rest;   // of the path, malloc'ed
    unsigned links;
    bool make;
};

static void go_up(struct walk *walk)
{
    if (walk->depth > 1)
        close(walk->folders[--walk->depth]);
}

// Puts the text of a link in front of what is still to go.
static int follow(struct walk *walk, int link, const char *behind)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(link, "", text, sizeof(text) - 1);
    if (length < 0)
        return -errno;
    if (length == 0 || ++walk->links > ROOT_LINKS_MAX)
        return -ELOOP;
    text[length] = '\0';
    size_t size = (size_t)length + strlen(behind) + 2;
    char *rest = size < 4 * PATH_MAX ? malloc(size) : NULL;
    if (!rest)
        return -ENAMETOOLONG;
    memcpy(rest, text, (size_t)length);
    rest[length] = '/';
    memcpy(rest + length + 1, behind, strlen(behind) + 1);
    free(walk->rest);
    walk->rest = rest;
    if (text[0] == '/')
        while (walk->depth > 1)
            go_up(walk);
    return 0;
}

static int open_component(struct walk *walk, const char *name)
{
    int here = walk->folders[walk->depth - 1];
    int fd = openat(here, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && walk->make) {
        if (mkdirat(here, name, 0755) != 0 && errno != EEXIST)
            return -errno;
        fd = openat(here, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

// Goes one component on. `rest` is changed; `behind` is what follows the component.
static int step(struct walk *walk, char *name, const char *behind)
{
    struct stat status;
    if (strcmp(name, "..") == 0) {
        go_up(walk);
        memmove(walk->rest, behind, strlen(behind) + 1);
        return 0;
    }
    int fd = open_component(walk, name), err = 0;
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) != 0) {
        err = -errno;
    } else if (S_ISLNK(status.st_mode)) {
        err = follow(walk, fd, behind);
    } else if (!S_ISDIR(status.st_mode)) {
        err = -ENOTDIR;
    } else if (walk->depth == ROOT_DEPTH_MAX) {
        err = -ENAMETOOLONG;
    } else {
        walk->folders[walk->depth++] = fd;
        memmove(walk->rest, behind, strlen(behind) + 1);
        return 0;
    }
    close(fd);
    return err;
}

static int go(struct walk *walk)
{
    for (;;) {
        char *name = walk->rest + strspn(walk->rest, "/");
        if (!*name)
            return 0;
        char *end = name + strcspn(name, "/");
        char *behind = *end ? end + 1 : end;
        *end = '\0';
        int err = 0;
        if (strcmp(name, ".") == 0)
            memmove(walk->rest, behind, strlen(behind) + 1);
        else
            err = step(walk, name, behind);
        if (err)
            return err;
    }
}

static int open_folder(int root_fd, const char *path, size_t length, bool make)
{
    struct walk walk = { .depth = 1, .rest = strndup(path, length), .make = make };
    if (root_fd < 0)
        walk.folders[0] = -ENOENT;
    else if ((walk.folders[0] = fcntl(root_fd, F_DUPFD_CLOEXEC, 0)) < 0)
        walk.folders[0] = -errno;
    int result = walk.folders[0] < 0 ? walk.folders[0] : walk.rest ? go(&walk) : -ENOMEM;
    if (result == 0)
        result = walk.folders[--walk.depth];
    while (walk.depth > 0 && walk.folders[0] >= 0)
        close(walk.folders[--walk.depth]);
    free(walk.rest);
    return result;
}

int root_open(int root_fd, const char *path, bool make) { return open_folder(root_fd, path, strlen(path), make); }

int root_open_parent(int root_fd, const char *path, bool make, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    *ret_name = slash + 1;
    return open_folder(root_fd, path, (size_t)(slash - path), make);
}
