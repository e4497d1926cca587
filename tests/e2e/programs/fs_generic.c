// SPDX-License-Identifier: BSD-3-Clause
// fs_generic FOLDER FILES: borders of a file system, as xfstests' generic cases look at them; prints what it saw, to be
// compared with what the same program prints on Linux (test_fs_generic.py). fs_generic FOLDER full: only on a small
// disk. fs_generic FOLDER names: only in a small kernel heap.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *why(long result) { return result >= 0 ? "ok" : strerrorname_np(errno); }
#define SAY(call) printf("%s: %s\n", #call, why(call))

static unsigned long state = 1;
static unsigned long chance(unsigned long below)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (state >> 33) % below;
}

static long make(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    long n = fd < 0 ? -1 : write(fd, text, strlen(text));
    close(fd);
    return n;
}

static void say_stat(const char *name)
{
    struct stat st;
    if (lstat(name, &st) != 0)
        printf("%s: %s\n", name, why(-1));
    else
        printf("%.40s: mode %o, links %ld, size %ld\n", name, st.st_mode, S_ISDIR(st.st_mode) ? 0l : (long)st.st_nlink,
               S_ISDIR(st.st_mode) ? 0l : (long)st.st_size);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *folder)
{
    char *names[1000];
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) && count < 1000;)
        names[count++] = strdup(e->d_name);
    if (dir)
        closedir(dir);
    qsort(names, (size_t)count, sizeof(*names), by_name);
    printf("%d names in %s:", count, folder);
    for (int i = 0; i < count; i++)
        printf(" %.30s(%zu)", names[i], strlen(names[i]));
    printf("\n");
}

static void names(void)
{
    char name[300], path[5000] = ".";
    printf("-- names\n");
    mkdir("names", 0755);
    chdir("names");
    for (int n = 253; n <= 257; n++) {
        memset(name, 'a' + n % 26, (size_t)n);
        name[n] = '\0';
        printf("%d bytes: create %s", n, why(make(name, "x")));
        printf(", mkdir %s", why(mkdir(name, 0755)));
        printf(", stat %s", why(access(name, F_OK)));
        printf(", link %s", why(link("none", name)));
        printf(", rename %s\n", why(rename(name, "renamed")));
    }
    SAY(make(" ", "x"));
    SAY(make("...", "x"));
    SAY(make("\x01\xff\xfe new\nline", "x"));
    SAY(make("\xc3\xa4\xe2\x82\xac", "x"));
    SAY(make("", "x"));
    SAY(mkdir("dir/", 0755));
    SAY(make("dir/", "x"));
    SAY(make("none/", "x"));
    SAY(make("renamed/", "x"));
    SAY(access("renamed/.", F_OK));
    SAY(mkdir(".", 0755));
    SAY(mkdir("..", 0755));
    SAY(rmdir("."));
    SAY(rmdir(".."));
    SAY(unlink("dir"));
    SAY(rmdir("renamed"));
    list(".");
    for (int i = 0; i < 2040; i++)
        strcat(path, "/.");
    SAY(access(path, F_OK));
    strcat(path, "/./././././.");
    SAY(access(path, F_OK));
    strcat(path, "/././././././.");
    SAY(access(path, F_OK));
    chdir("..");
}

static void borders(void)
{
    static const long at[] = { 0,
                               1,
                               4095,
                               4096,
                               4097,
                               12 * 4096l - 1,
                               12 * 4096l,
                               (12 + 1024) * 4096l - 1,
                               (12 + 1024) * 4096l,
                               (1l << 31) - 1,
                               1l << 31,
                               (1l << 32) - 1,
                               1l << 32,
                               (12 + 1024 + 1024 * 1024l) * 4096 - 1,
                               (12 + 1024 + 1024 * 1024l) * 4096 + 7,
                               1l << 40 };
    char buf[16];
    struct stat st;
    printf("-- borders\n");
    int fd = open("borders", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        char mark = (char)('A' + i);
        printf("%ld: write %s", at[i], why(pwrite(fd, &mark, 1, at[i])));
        fstat(fd, &st);
        memset(buf, '#', sizeof(buf));
        long n = pread(fd, buf, 8, at[i] > 3 ? at[i] - 3 : 0);
        printf(", size %ld, read %ld:", (long)st.st_size, n);
        for (long k = 0; k < n; k++)
            printf(" %02x", (unsigned char)buf[k]);
        printf("\n");
    }
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
        printf("data from %ld: %ld, hole: %ld\n", at[i], (long)lseek(fd, at[i], SEEK_DATA),
               (long)lseek(fd, at[i], SEEK_HOLE));
    for (size_t i = sizeof(at) / sizeof(*at); i-- > 0;) {
        int cut = ftruncate(fd, at[i]);
        fstat(fd, &st);
        printf("truncate to %ld: %s, size %ld, last data %ld\n", at[i], why(cut), (long)st.st_size,
               (long)lseek(fd, st.st_size > 5000 ? st.st_size - 5000 : 0, SEEK_DATA));
    }
    SAY(ftruncate(fd, -1));
    SAY(pwrite(fd, "x", 1, -1));
    SAY(pread(fd, buf, 1, -1));
    SAY(lseek(fd, -1, SEEK_SET));
    SAY(lseek(fd, 0, SEEK_DATA));
    close(fd);
}

static void spaces(void)
{
    static char buf[64 << 10], got[64 << 10];
    struct stat st;
    printf("-- holes and reserves\n");
    int fd = open("spaces", O_CREAT | O_RDWR | O_TRUNC, 0644);
    memset(buf, 'x', sizeof(buf));
    SAY(pwrite(fd, buf, sizeof(buf), 0));
    SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 20000));
    SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 40000, 100));
    SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 60000, 10000));
    SAY(fallocate(fd, 0, 100000, 50000));
    SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 200000, 50000));
    SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    SAY(fallocate(fd, 0, 0, 0));
    SAY(fallocate(fd, 0, -1, 10));
    SAY(fallocate(fd, 0x4000, 0, 10));
    fstat(fd, &st);
    long n = pread(fd, got, sizeof(got), 0), zeros = 0, xs = 0;
    for (long i = 0; i < n; i++)
        zeros += !got[i], xs += got[i] == 'x';
    printf("size %ld, read %ld, zeros %ld, xs %ld\n", (long)st.st_size, n, zeros, xs);
    for (long at = 0; at >= 0 && at < 60000;) {
        long data = lseek(fd, at, SEEK_DATA), hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        printf("data %ld to %ld\n", data, hole > 65536 ? 65536 : hole); // what was reserved behind is data for some
        at = hole;
    }
    close(fd);
}

// Random operations against a copy in memory.
static void exerciser(int operations)
{
    enum { MOST = 300000 };
    static char model[MOST], buf[MOST];
    long size = 0, wrong = 0;
    printf("-- exerciser\n");
    int fd = open("exercised", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < operations && !wrong; i++) {
        long at = (long)chance(MOST), n = (long)chance(i % 10 ? 9000 : 70000);
        n = at + n > MOST ? MOST - at : n;
        switch (chance(8)) {
        case 0:
        case 1:
            memset(buf, 'a' + i % 26, (size_t)n);
            wrong += pwrite(fd, buf, (size_t)n, at) != n;
            if (n && at > size)
                memset(model + size, 0, (size_t)(at - size));
            memcpy(model + at, buf, (size_t)n);
            size = n && at + n > size ? at + n : size;
            break;
        case 2:
            wrong += ftruncate(fd, at) != 0;
            if (at > size)
                memset(model + size, 0, (size_t)(at - size));
            size = at;
            break;
        case 3:
            if (n && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) == 0 && at < size)
                memset(model + at, 0, (size_t)(at + n > size ? size - at : n));
            break;
        case 4:
            if (size) {
                char *map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                at %= size, n = at + n > size ? size - at : n;
                wrong += map == MAP_FAILED || memcmp(map, model, (size_t)size) != 0;
                memset(map + at, 'A' + i % 26, (size_t)n);
                memset(model + at, 'A' + i % 26, (size_t)n);
                munmap(map, (size_t)size);
            }
            break;
        case 5:
            if (i % 7 == 0)
                wrong += fsync(fd) != 0;
            close(fd);
            fd = open("exercised", O_RDWR);
            break;
        default: {
            long got = pread(fd, buf, (size_t)n, at), there = at >= size ? 0 : at + n > size ? size - at : n;
            wrong += got != there || memcmp(buf, model + at, (size_t)there) != 0;
        }
        }
    }
    printf("%d operations, %ld wrong, size %ld\n", operations, wrong, size);
    close(fd);
}

static void many(int count)
{
    char name[64];
    int there = 0, seen = 0, good = 0;
    printf("-- %d files in a folder\n", count);
    mkdir("many", 0755);
    int dir = open("many", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < count; i++) {
        sprintf(name, "a-file-with-a-name-%d", i);
        int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        good += fd >= 0;
        close(fd);
    }
    for (int i = 0; i < count; i += 3) {
        sprintf(name, "a-file-with-a-name-%d", i);
        good += unlinkat(dir, name, 0) == 0;
    }
    for (int i = 0; i < count; i++) {
        sprintf(name, "a-file-with-a-name-%d", i);
        there += faccessat(dir, name, F_OK, 0) == 0;
    }
    DIR *d = opendir("many");
    while (d && readdir(d))
        seen++;
    // Removing while reading: each name is met once.
    int removed = 0;
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));)
        removed += e->d_name[0] == 'a' && unlinkat(dir, e->d_name, 0) == 0;
    closedir(d);
    close(dir);
    printf("done %d, there %d, listed %d, removed %d, folder %s\n", good, there, seen, removed, why(rmdir("many")));
}

static void links(void)
{
    char name[64];
    struct stat st;
    int good = 0;
    printf("-- links\n");
    SAY(make("one", "contents"));
    for (int i = 0; i < 2000; i++) {
        sprintf(name, "link-%d", i);
        good += link("one", name) == 0;
    }
    stat("one", &st);
    printf("%d links, nlink %ld\n", good, (long)st.st_nlink);
    SAY(link("one", "link-5"));
    SAY(rename("link-5", "link-6"));
    say_stat("link-5");
    SAY(unlink("one"));
    for (int i = 0; i < 1999; i++) {
        sprintf(name, "link-%d", i);
        good -= unlink(name) == 0;
    }
    say_stat("link-1999");
    printf("%d left\n", good);
    SAY(symlink("target", "s"));
    SAY(link("s", "s2"));
    say_stat("s2");
    SAY(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
    SAY(link(".", "dirlink"));
}

static void symlinks(void)
{
    static char text[5000], got[5000];
    static const int sizes[] = { 1, 59, 60, 61, 255, 1023, 4000, 4095 };
    printf("-- symbolic links\n");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        memset(text, 'p', sizeof(text));
        text[sizes[i]] = '\0';
        unlink("sym");
        printf("%d: %s", sizes[i], why(symlink(text, "sym")));
        long n = readlink("sym", got, sizeof(got)), few = readlink("sym", got, 10);
        struct stat st = { 0 };
        lstat("sym", &st);
        printf(", read %ld, %ld, size %ld\n", n, few, (long)st.st_size);
    }
    SAY(symlink("", "empty"));
    SAY(symlink("loop-b", "loop-a"));
    SAY(symlink("loop-a", "loop-b"));
    SAY(open("loop-a", O_RDONLY));
    SAY(open("sym", O_RDONLY | O_NOFOLLOW));
    SAY(make("sym", "x"));
}

static void renames(void)
{
    static const char *const from[] = { "file", "dir", "full", "sym", "none" }, *const to[] = {
        "file2", "dir2", "full2", "sym2", "new", "full/inner", "file"
    };
    printf("-- renames\n");
    for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
        for (size_t k = 0; k < sizeof(to) / sizeof(*to); k++)
            for (unsigned flags = 0; flags < 3; flags++) {
                mkdir("r", 0755);
                chdir("r");
                make("file", "1"), make("file2", "2");
                mkdir("dir", 0755), mkdir("dir2", 0755), mkdir("full", 0755), mkdir("full/x", 0755),
                    mkdir("full2", 0755);
                make("full2/y", "y");
                symlink("file", "sym"), symlink("file2", "sym2");
                printf("%s to %s, flags %u: %s;", from[i], to[k], flags,
                       why(renameat2(AT_FDCWD, from[i], AT_FDCWD, to[k], flags)));
                list(".");
                chdir("..");
                int status;
                pid_t child = vfork();
                if (child == 0) {
                    execl("/bin/busybox", "busybox", "rm", "-r", "r", NULL);
                    _exit(1);
                }
                waitpid(child, &status, 0);
            }
}

static void unlinked(void)
{
    char buf[16] = { 0 };
    struct stat st;
    printf("-- without a name\n");
    int fd = open("gone", O_CREAT | O_RDWR, 0644);
    SAY(write(fd, "before", 6));
    SAY(unlink("gone"));
    SAY(write(fd, " after", 6));
    SAY(pread(fd, buf, 12, 0));
    fstat(fd, &st);
    printf("%s, links %ld, size %ld\n", buf, (long)st.st_nlink, (long)st.st_size);
    SAY(make("over", "new"));
    SAY(make("other", "other"));
    int over = open("over", O_RDONLY);
    SAY(rename("other", "over"));
    SAY(pread(over, buf, 3, 0));
    fstat(over, &st);
    printf("%.3s, links %ld\n", buf, (long)st.st_nlink);
    close(fd);
    close(over);
    SAY(mkdir("gonedir", 0755));
    SAY(chdir("gonedir"));
    SAY(rmdir("../gonedir"));
    SAY(make("x", "x"));
    SAY(mkdir("x", 0755));
    SAY(access("..", F_OK));
    SAY(getcwd(buf, sizeof(buf)) ? 0 : -1);
    list(".");
    SAY(chdir(".."));
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    SAY(fd);
    SAY(write(fd, "temporary", 9));
    SAY(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
    close(fd);
    say_stat("named");
}

static void attributes(void)
{
    static char value[4000], got[4000];
    printf("-- attributes\n");
    SAY(make("attr", "x"));
    static const int sizes[] = { 0, 1, 100, 1000, 3000 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        memset(value, 'v', sizeof(value));
        printf("%d: set %s", sizes[i], why(setxattr("attr", "user.a", value, (size_t)sizes[i], 0)));
        printf(", get %ld, asks %ld, small %s\n", (long)getxattr("attr", "user.a", got, sizeof(got)),
               (long)getxattr("attr", "user.a", NULL, 0), why(getxattr("attr", "user.a", got, 5)));
    }
    SAY(setxattr("attr", "user.a", "x", 1, XATTR_CREATE));
    SAY(setxattr("attr", "user.b", "x", 1, XATTR_REPLACE));
    SAY(setxattr("attr", "user.b", "x", 1, XATTR_CREATE));
    SAY(removexattr("attr", "user.none"));
    SAY(removexattr("attr", "user.a"));
    SAY(getxattr("attr", "user.a", got, 100));
    printf("list %ld\n", (long)listxattr("attr", got, sizeof(got)));
    SAY(setxattr("attr", "nokind", "x", 1, 0));
    SAY(setxattr("attr", "user.", "x", 1, 0));
    SAY(mkdir("attrdir", 0755));
    SAY(setxattr("attrdir", "user.d", "y", 1, 0));
    SAY(symlink("attr", "attrlink"));
    SAY(lsetxattr("attrlink", "user.l", "y", 1, 0));
    SAY(rename("attr", "attr2"));
    printf("after rename %ld\n", (long)getxattr("attr2", "user.b", got, 100));
}

static void times(void)
{
    static const long seconds[] = { 0,           1,       -1, -2147483647l, 2147483647, 2147483648l, 4294967296l + 5,
                                    9000000000l, 1l << 40 };
    printf("-- times\n");
    make("timed", "x");
    for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
        struct timespec ts[2] = { { seconds[i], 123456789 }, { seconds[i], 999999999 } };
        struct stat st;
        printf("%ld: %s", seconds[i], why(utimensat(AT_FDCWD, "timed", ts, 0)));
        stat("timed", &st);
        if (st.st_mtim.tv_sec != seconds[i] && seconds[i] > 9000000000l) // each has an end of its range
            printf(", the end of the range: %d\n", st.st_mtim.tv_sec > 9000000000l && !st.st_mtim.tv_nsec);
        else
            printf(", %ld.%09ld %ld.%09ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec,
                   st.st_mtim.tv_nsec);
    }
}

static void appends(void)
{
    enum { WRITERS = 4, RECORDS = 150, SIZE = 700 };
    static char buf[SIZE];
    int good = 0, status;
    printf("-- appends of several at once\n");
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            int fd = open("appended", O_CREAT | O_WRONLY | O_APPEND, 0644);
            memset(buf, 'a' + w, sizeof(buf));
            for (int i = 0; i < RECORDS; i++)
                if (write(fd, buf, sizeof(buf)) != SIZE)
                    _exit(1);
            _exit(0);
        }
    for (int w = 0; w < WRITERS; w++)
        wait(&status), good += status == 0;
    int fd = open("appended", O_RDONLY), whole = 0;
    while (read(fd, buf, SIZE) == SIZE) {
        int same = 1;
        for (int i = 1; i < SIZE; i++)
            same &= buf[i] == buf[0];
        whole += same;
    }
    close(fd);
    printf("%d writers, %d whole records\n", good, whole);
}

static void modes(void)
{
    printf("-- modes\n");
    umask(027);
    SAY(mkdir("m", 0777));
    say_stat("m");
    SAY(chmod("m", 02775));
    SAY(mkdir("m/inherits", 0777));
    say_stat("m/inherits");
    SAY(make("m/file", "x"));
    say_stat("m/file");
    SAY(chmod("m/file", 06755));
    say_stat("m/file");
    SAY(chown("m/file", 5, 6));
    say_stat("m/file");
    SAY(mkfifo("fifo", 0666));
    say_stat("fifo");
    umask(022);
}

static void full(void)
{
    static char buf[1 << 16];
    struct statvfs st;
    long first = 0, second = 0, n;
    printf("-- full\n");
    int fd = open("big", O_CREAT | O_WRONLY, 0644);
    while ((n = write(fd, buf, sizeof(buf))) > 0)
        first += n;
    printf("then %s\n", why(n));
    SAY(make("small", "x"));
    statvfs(".", &st);
    printf("free %ld\n", (long)st.f_bfree);
    SAY(ftruncate(fd, 0));
    SAY(lseek(fd, 0, SEEK_SET));
    while ((n = write(fd, buf, sizeof(buf))) > 0)
        second += n;
    printf("again %s, same room %d\n", why(n), first > 5 << 20 && labs(first - second) < 1 << 18);
    SAY(fsync(fd));
    close(fd);
    SAY(unlink("big"));
    SAY(make("small", "text"));
    say_stat("small");
}

// As many files as there is room for: then nothing is hidden, and what is removed makes room.
static void names_until_full(void)
{
    char name[64];
    int made = 0, seen = 0, removed = 0, again = 0, fd;
    printf("-- names until full\n");
    for (;; made++) {
        sprintf(name, "a-file-with-a-name-%d", made);
        if ((fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644)) < 0)
            break;
        close(fd);
    }
    printf("then %s\n", why(-1));
    SAY(rename("a-file-with-a-name-0", "renamed"));
    SAY(rename("renamed", "a-file-with-a-name-0"));
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    int status = 0;
    printf("another process: %d\n", child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    DIR *dir = opendir(".");
    for (struct dirent *e; (e = readdir(dir));)
        seen += e->d_name[0] == 'a';
    closedir(dir);
    for (int i = 0; i < made; i += 2) {
        sprintf(name, "a-file-with-a-name-%d", i);
        removed += unlink(name) == 0;
    }
    for (int i = 0; i < made; i += 4) {
        sprintf(name, "a-file-with-a-name-%d", i);
        again += make(name, "") == 0;
    }
    printf("many %d, all seen %d, all removed %d, all made again %d\n", made > 5000, seen == made,
           removed == (made + 1) / 2, again == (made + 3) / 4);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir(argv[1], 0755);
    if (chdir(argv[1]) != 0)
        return 1;
    if (strcmp(argv[2], "full") == 0) {
        full();
        return 0;
    }
    if (strcmp(argv[2], "names") == 0) {
        names_until_full();
        return 0;
    }
    names();
    borders();
    spaces();
    exerciser(1500);
    many(atoi(argv[2]));
    links();
    symlinks();
    renames();
    unlinked();
    attributes();
    times();
    appends();
    modes();
    return 0;
}
