// SPDX-License-Identifier: BSD-3-Clause
// Open files and directories of /proc. A file's text is made whole when it is opened, so that reads in pieces see one
// state.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/procfs_node.h"
#include "libos/mem/heap.h"

enum { FIRST_TEXT = 4096, MAX_TEXT = 4 << 20, DOTS = 2 };

void proc_print(struct proc_text *text, const char *format, ...)
{
    va_list args;
    size_t at = MIN(text->len, text->size);
    va_start(args, format);
    text->len += fmt_vformat(text->buf + at, text->size - at, format, args);
    va_end(args);
}

void proc_bytes(struct proc_text *text, const void *bytes, size_t size)
{
    size_t at = MIN(text->len, text->size);
    memcpy(text->buf + at, bytes, MIN(size, text->size - at));
    text->len += size;
}

// fdinfo/N.
static int describe_file(const struct proc_key *key, struct proc_text *text)
{
    struct file *file = proc_file_of(key);
    struct kstat st = { 0 };
    bool closes = false;

    if (!file)
        return -ENOENT;
    struct files *files = proc_ops->files(key->pid);
    if (files) {
        closes = files_closes_on_exec(files, (int)key->index);
        files_unref(files);
    }
    u64 ino = file->inode && file->inode->ops->getattr(file->inode, &st) == 0 ? st.ino : file->owner_key;
    proc_print(text, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", READ_ONCE(file->offset),
               file->flags | (closes ? O_CLOEXEC : 0), file->inode ? 20u : 15u, ino);
    if (file->ops->describe)
        file->ops->describe(file, text);
    file_unref(file);
    return 0;
}

static int produce(const struct proc_key *key, struct proc_text *text)
{
    if (key->kind == PROC_STATIC) {
        const struct proc_static *entry = &key->table->files[key->index];
        entry->produce(text, entry->argument);
        return 0;
    }
    if (key->kind == PROC_FDINFO)
        return describe_file(key, text);
    const char *name = proc_pid_files[key->index].name;
    if (str_eq(name, "mounts") || str_eq(name, "mountinfo") || str_eq(name, "mountstats")) {
        proc_text_mounts(text, name);
        return 0;
    }
    return proc_ops->read(key->pid, key->tid, name, text);
}

static int make_text(const struct proc_key *key, struct proc_text **ret_text)
{
    for (size_t size = FIRST_TEXT; size <= MAX_TEXT; size *= 4) {
        struct proc_text *text = kmalloc(sizeof(*text) + size);
        if (!text)
            return -ENOMEM;
        *text = (struct proc_text){ .buf = (char *)(text + 1), .size = size };
        int err = produce(key, text);
        if (!err && text->len < size) { // otherwise it may have been cut
            *ret_text = text;
            return 0;
        }
        kfree(text);
        if (err)
            return err;
    }
    return -EFBIG;
}

static long read_text(struct file *file, struct uio *uio, u64 *offset)
{
    const struct proc_text *text = file->private;
    if (*offset >= text->len)
        return 0;
    size_t n = MIN(uio->left, text->len - *offset);
    long moved = uio_put_some(uio, text->buf + *offset, n);
    *offset += moved > 0 ? (u64)moved : 0;
    return moved;
}

static void release_text(struct file *file) { kfree(file->private); }

static int getdents(struct file *file, struct dir_sink *sink, u64 *position)
{
    static const char *const dots[DOTS] = { ".", ".." };
    struct proc_key key;
    char name[64];

    for (; *position < DOTS; (*position)++)
        if (sink->emit(sink, dots[*position], 1 + *position, file->inode->ino, S_IFDIR >> 12, *position + 1))
            return 0;
    u64 next = *position - DOTS;
    while (proc_next_entry(&proc_node_of(file->inode)->key, &next, name, &key)) {
        if (sink->emit(sink, name, strlen(name), proc_ino(&key), (proc_mode(&key) & S_IFMT) >> 12, next + DOTS))
            return 0;
        *position = next + DOTS;
    }
    return 0;
}

enum { WRITE_MOST = 1024 };

static long write_text(struct file *file, struct uio *uio, u64 *offset)
{
    const struct proc_key *key = &proc_node_of(file->inode)->key;
    char buf[WRITE_MOST];
    size_t size = MIN(uio->left, sizeof(buf));

    if (uio_take(uio, buf, size))
        return -EFAULT;
    int err = proc_ops->write(key->pid, key->tid, proc_pid_files[key->index].name, buf, size);
    if (err)
        return err;
    *offset += size;
    return (long)size;
}

static const struct file_ops text_ops = {
    .read = read_text, .write = write_text, .release = release_text, .made = true
};
static const struct file_ops directory_ops = { .getdents = getdents };

int proc_open(struct inode *inode, struct file *file)
{
    const struct proc_key *key = &proc_node_of(inode)->key;
    struct proc_text *text;

    if (inode_is_dir(inode)) {
        file->ops = &directory_ops;
        return 0;
    }
    bool inner = key->kind == PROC_FDINFO || (key->kind == PROC_PID_FILE && proc_pid_files[key->index].inner);
    int err = inner ? proc_ops->may_look(key->pid) : 0;
    if (file_writable(file) && (key->kind != PROC_PID_FILE || !(proc_pid_files[key->index].mode & 0200)))
        err = -EACCES;
    if (!err)
        err = make_text(key, &text);
    if (err)
        return err == -ESRCH ? -ENOENT : err;
    file->private = text;
    file->ops = &text_ops;
    return 0;
}
