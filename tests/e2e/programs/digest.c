// SPDX-License-Identifier: BSD-3-Clause
// Walks a tree and prints for each entry its path, kind, size and a checksum of its contents, or the error met.
// Ends with 1 when there was any error.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int errors;
static size_t prefix;

static void complain(const char *path, const char *what)
{
    printf("%s error %s %s\n", path + prefix, what, errno == EIO ? "EIO" : strerror(errno));
    errors = 1;
}

static void digest_file(const char *path, long size)
{
    static unsigned char buffer[65536];
    unsigned long sum = 14695981039346656037ul;
    long got, total = 0;
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        complain(path, "open");
        return;
    }
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        for (long i = 0; i < got; i++)
            sum = (sum ^ buffer[i]) * 1099511628211ul;
        total += got;
    }
    if (got < 0)
        complain(path, "read");
    else
        printf("%s file %ld %ld %016lx\n", path + prefix, size, total, sum);
    close(fd);
}

static void walk(const char *path)
{
    char below[PATH_MAX], target[PATH_MAX] = "";
    struct stat about;
    struct dirent *entry;
    DIR *folder;

    if (lstat(path, &about) != 0) {
        complain(path, "stat");
        return;
    }
    if (S_ISREG(about.st_mode)) {
        digest_file(path, about.st_size);
        return;
    }
    if (S_ISLNK(about.st_mode)) {
        if (readlink(path, target, sizeof(target) - 1) < 0)
            complain(path, "readlink");
        else
            printf("%s link %s\n", path + prefix, target);
        return;
    }
    if (!S_ISDIR(about.st_mode))
        return;
    printf("%s folder %o\n", path + prefix, about.st_mode & 07777);
    if (!(folder = opendir(path))) {
        complain(path, "opendir");
        return;
    }
    while (errno = 0, (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        walk(below);
    }
    if (errno)
        complain(path, "readdir");
    closedir(folder);
}

int main(int argc, char **argv)
{
    // The second argument is what paths are shown without.
    prefix = argc > 2 ? strlen(argv[2]) : 0;
    walk(argv[1]);
    return errors;
}
