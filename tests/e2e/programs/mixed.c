// SPDX-License-Identifier: BSD-3-Clause
// mixed DIR FROM SYNC: a workload of names and contents whose state after n steps is known. First finds out which state
// the folder is in: it must be that after n steps, FROM <= n <= FROM + SYNC (FROM: the last n that was said to be
// durable). Then goes on from there, fsyncs the folder after each SYNC steps and says how many are durable.
// mixed DIR FROM SYNC check: only finds out. mixed DIR FROM SYNC until N: ends after N steps.
//
// Step n acts on a slot (a name) chosen by n: creates, rewrites, appends, truncates, links, renames over another,
// unlinks.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 12, MAX_SIZE = 40000 };

// The model: slots name files, files have contents of one byte value and a size.
static struct slot {
    int file; // -1: no such name
} slots[SLOTS];
static struct content {
    unsigned char value;
    long size;
    int names;
} files[SLOTS + 1];

static unsigned long mix(unsigned long n)
{
    n = (n ^ (n >> 31)) * 0x9e3779b97f4a7c15ul;
    n = (n ^ (n >> 29)) * 0xbf58476d1ce4e5b9ul;
    return n ^ (n >> 32);
}

static void name_of(char *out, int slot) { sprintf(out, "slot-%d", slot); }

static int free_file(void)
{
    int i = 0;
    while (files[i].names)
        i++;
    return i;
}

static void drop(int slot)
{
    if (slots[slot].file >= 0)
        files[slots[slot].file].names--;
    slots[slot].file = -1;
}

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(2);
    }
}

// Makes the contents of an open file what the model says: one write, so that a step is one change.
static void put(int dir, const char *name, int flags, long at, long n, unsigned char value)
{
    static unsigned char buf[MAX_SIZE];
    int fd = openat(dir, name, O_WRONLY | flags, 0644);

    memset(buf, value, sizeof(buf));
    must(fd >= 0, "open");
    must(pwrite(fd, buf, (size_t)n, at) == n, "write");
    close(fd);
}

// One step; real: on the disk too. All that a step does is one system call that changes something, or a create and a
// write of which the first alone leaves a state that is told apart (size 0 of a new file counts as half a step).
static void step(int dir, unsigned long n, int real)
{
    unsigned long r = mix(n);
    int a = (int)(r % SLOTS), b = (int)((r >> 8) % SLOTS);
    long size = 1 + (long)((r >> 20) % 9000);
    unsigned char value = (unsigned char)(1 + n % 255);
    char na[32], nb[32];
    struct slot *sa = &slots[a];

    name_of(na, a), name_of(nb, b);
    if (sa->file < 0) { // a new, empty file
        sa->file = free_file();
        files[sa->file] = (struct content){ .value = value, .names = 1 };
        if (real)
            close(openat(dir, na, O_WRONLY | O_CREAT | O_EXCL, 0644));
        return;
    }
    struct content *f = &files[sa->file];
    switch ((r >> 40) % 6) {
    case 0: // contents of a file are one value: rewritten whole, a little longer
    case 1:
        f->value = value;
        f->size = f->size + size < MAX_SIZE ? f->size + size : MAX_SIZE;
        if (real)
            put(dir, na, 0, 0, f->size, value);
        break;
    case 2:
        f->size = f->size / 2;
        if (real) {
            int fd = openat(dir, na, O_WRONLY);
            must(fd >= 0 && ftruncate(fd, f->size) == 0, "truncate");
            close(fd);
        }
        break;
    case 3:
        if (a == b || slots[b].file == sa->file)
            break;
        drop(b);
        slots[b].file = sa->file;
        sa->file = -1;
        if (real)
            must(renameat(dir, na, dir, nb) == 0, "rename");
        break;
    case 4:
        if (slots[b].file >= 0)
            break;
        slots[b].file = sa->file;
        f->names++;
        if (real)
            must(linkat(dir, na, dir, nb, 0) == 0, "link");
        break;
    default:
        drop(a);
        if (real)
            must(unlinkat(dir, na, 0) == 0, "unlink");
    }
}

static int same_content(int dir, const char *name, const struct content *wanted)
{
    static unsigned char buf[MAX_SIZE + 1];
    struct stat st;
    int fd = openat(dir, name, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        return 0;
    long n = pread(fd, buf, sizeof(buf), 0);
    close(fd);
    if (n != wanted->size || st.st_size != wanted->size || (int)st.st_nlink != wanted->names)
        return 0;
    for (long i = 0; i < n; i++)
        if (buf[i] != wanted->value)
            return 0;
    return 1;
}

static int matches(int dir)
{
    char name[32];
    struct stat st, other;

    for (int i = 0; i < SLOTS; i++) {
        name_of(name, i);
        int there = fstatat(dir, name, &st, 0) == 0;
        if (there != (slots[i].file >= 0) || (there && !same_content(dir, name, &files[slots[i].file])))
            return 0;
        for (int k = 0; there && k < i; k++) {
            name_of(name, k);
            if (slots[k].file >= 0 && fstatat(dir, name, &other, 0) == 0 &&
                (st.st_ino == other.st_ino) != (slots[k].file == slots[i].file))
                return 0;
        }
    }
    return 1;
}

static int count_names(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;
    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    unsigned long from = strtoul(argv[2], NULL, 10), sync = strtoul(argv[3], NULL, 10), n = 0;
    int names = 2, dir;

    mkdir(argv[1], 0755);
    dir = open(argv[1], O_RDONLY | O_DIRECTORY);
    must(dir >= 0, "open");
    for (int i = 0; i < SLOTS; i++)
        slots[i].file = -1;
    while (n < from)
        step(dir, n++, 0);
    while (n < from + sync && !matches(dir))
        step(dir, n++, 0);
    for (int i = 0; i < SLOTS; i++)
        names += slots[i].file >= 0;
    if (!matches(dir) || count_names(argv[1]) != names) {
        fprintf(stderr, "the folder is in no state of steps %lu to %lu\n", from, from + sync);
        return 1;
    }
    printf("at %lu\n", n);
    fflush(stdout);
    unsigned long end = argc > 5 ? strtoul(argv[5], NULL, 10) : ~0ul;
    if (argc == 5)
        return 0;
    while (n < end) {
        step(dir, n++, 1);
        if (n % sync == 0) {
            must(fsync(dir) == 0, "fsync");
            printf("%lu\n", n);
            fflush(stdout);
        }
    }
    return 0;
}
