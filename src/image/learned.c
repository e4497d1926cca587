// SPDX-License-Identifier: BSD-3-Clause
// What `occlum run --learn` wrote (libos/vm/learn.c) as tables of the image: for each file the runs of pages that
// programs touched.
#include "image/learned.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bitmap.h"
#include "imagefmt/sites.h"

struct file {
    char *path;
    u64 size, pages;
    u64 *touched;
};

struct learned {
    struct file *files;
    size_t count;
};

struct search {
    const char *name;
    size_t len;
    u64 nid;
    bool found;
};

static int visit(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    struct search *s = arg;
    (void)type;
    s->found = len == s->len && memcmp(name, s->name, len) == 0;
    if (s->found)
        s->nid = nid;
    return s->found;
}

// The regular file of that path, without symbolic links. -ENOENT: there is none.
static int lookup(const struct erofs *fs, const char *path, struct erofs_inode *ret_inode)
{
    u8 block[4096];
    int err = erofs_inode(fs, fs->root, ret_inode);

    while (!err && *path) {
        path += strspn(path, "/");
        struct search search = { .name = path, .len = strcspn(path, "/") };
        if (!S_ISDIR(ret_inode->mode))
            return -ENOENT;
        err = erofs_for_each(fs, ret_inode, block, visit, &search);
        if (!search.found)
            return err < 0 ? err : -ENOENT;
        err = erofs_inode(fs, search.nid, ret_inode);
        path += search.len;
    }
    return err ? err : S_ISREG(ret_inode->mode) ? 0 : -ENOENT;
}

static struct file *file_of(struct learned *learned, const char *path, u64 size)
{
    for (size_t i = 0; i < learned->count; i++)
        if (learned->files[i].size == size && strcmp(learned->files[i].path, path) == 0)
            return &learned->files[i];
    struct file *more = realloc(learned->files, (learned->count + 1) * sizeof(*more));
    if (!more)
        return NULL;
    learned->files = more;
    struct file file = { .path = strdup(path), .size = size, .pages = DIV_ROUND_UP(size, 4096ul) };
    file.touched = calloc(BITMAP_WORDS(file.pages), sizeof(u64));
    if (!file.path || !file.touched) {
        free(file.path);
        free(file.touched);
        return NULL;
    }
    more[learned->count] = file;
    return &more[learned->count++];
}

static bool take_runs(struct file *file, const char *text)
{
    while (*text) {
        char *end;
        u64 first = strtoull(text, &end, 10), count = *end == '+' ? strtoull(end + 1, &end, 10) : 0;
        if (!count || first >= file->pages || count > file->pages - first || (*end && *end != ','))
            return false;
        bitmap_assign(file->touched, first, count, true);
        text = *end ? end + 1 : end;
    }
    return true;
}

static int take_line(struct learned *learned, char *line)
{
    char *runs, *path;
    u64 size = strtoull(line, &runs, 10);

    line[strcspn(line, "\n")] = '\0';
    if (*runs++ != ' ' || !(path = strchr(runs, ' ')) || path[1] != '/' || !size || size > 1ull << 40)
        return -EINVAL;
    *path++ = '\0';
    struct file *file = file_of(learned, path, size);
    if (!file)
        return -ENOMEM;
    return take_runs(file, runs) ? 0 : -EINVAL;
}

static int read_all(const char *path, struct learned *learned)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int err = file || errno == ENOENT ? 0 : -errno;

    while (file && !err && getline(&line, &room, file) > 0) {
        number++;
        err = take_line(learned, line);
    }
    if (err == -EINVAL)
        fprintf(stderr, "occlum: %s:%u is not what occlum run --learn writes. Remove the file, or the line\n", path,
                number);
    free(line);
    if (file)
        fclose(file);
    return err;
}

static int make_table(const struct file *file, struct learned_table *ret_table)
{
    struct sites_run *runs = calloc(file->pages, sizeof(*runs));
    size_t count = 0;

    if (!runs)
        return -ENOMEM;
    for (u64 i = 0, end; i < file->pages; i = end) {
        for (end = i + 1; end < file->pages && bitmap_test(file->touched, end) == bitmap_test(file->touched, i);)
            end++;
        if (bitmap_test(file->touched, i))
            runs[count++] = (struct sites_run){ (u32)i, (u32)(end - i) };
    }
    ret_table->runs = runs;
    ret_table->size = count * sizeof(*runs);
    return 0;
}

int image_learned(const char *path, const struct erofs *fs, struct learned_table **ret_tables, size_t *ret_count)
{
    struct learned learned = { 0 };
    struct erofs_inode inode;
    struct learned_table *tables = NULL;
    size_t count = 0;
    int err = path ? read_all(path, &learned) : 0;

    if (!err && learned.count && !(tables = calloc(learned.count, sizeof(*tables))))
        err = -ENOMEM;
    for (size_t i = 0; i < learned.count && !err; i++) {
        int found = lookup(fs, learned.files[i].path, &inode);
        if (found || inode.size != learned.files[i].size) // gone, or another one by now
            continue;
        tables[count].nid = inode.nid;
        err = make_table(&learned.files[i], &tables[count]);
        count += !err;
    }
    for (size_t i = 0; i < learned.count; i++) {
        free(learned.files[i].path);
        free(learned.files[i].touched);
    }
    free(learned.files);
    *ret_tables = tables;
    *ret_count = count;
    return err;
}
