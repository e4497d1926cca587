// SPDX-License-Identifier: BSD-3-Clause
// The instance folder and files that are written whole or not at all.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/occlum/layout.h"
#include "cli/cli.h"

bool instance_check(void)
{
    if (access(INSTANCE_CONFIG, F_OK) == 0)
        return true;
    cli_error("this folder is no instance: it has no %s. Make one with: occlum new PATH (or occlum init here)",
              INSTANCE_CONFIG);
    return false;
}

bool program_path_check(const char *path)
{
    if (path[0] == '/')
        return true;
    cli_error("%s: the program is named by its absolute path inside the image, as /bin/%s", path, path);
    return false;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        size -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

int write_file_atomically(const char *path, const void *data, size_t size)
{
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof(temporary), "%s" TEMPORARY "XXXXXX", path);
    // A name that nobody can have prepared, made anew and never through a link.
    int fd = mkostemp(temporary, O_CLOEXEC);
    int err = fd < 0 ? -errno : write_all(fd, data, size);
    if (!err && fchmod(fd, 0644) != 0)
        err = -errno;
    if (fd >= 0 && close(fd) != 0 && !err)
        err = -errno;
    if (!err && rename(temporary, path) != 0)
        err = -errno;
    if (err) {
        if (fd >= 0)
            unlink(temporary);
        cli_error("%s cannot be written: %s", path, strerror(-err));
    }
    return err;
}

char *read_whole_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    char *data = NULL;
    size_t used = 0, room = 0;

    if (!file)
        return NULL;
    for (;;) {
        if (used + 1 >= room) {
            room = room ? room * 2 : 4096;
            char *grown = realloc(data, room);
            if (!grown)
                break;
            data = grown;
        }
        size_t n = fread(data + used, 1, room - used - 1, file);
        if (n == 0 && !ferror(file)) {
            fclose(file);
            data[used] = '\0';
            if (ret_size)
                *ret_size = used;
            return data;
        }
        if (n == 0)
            break;
        used += n;
    }
    int err = errno;
    free(data);
    fclose(file);
    errno = err;
    return NULL;
}

bool enclave_header_read(struct enclave_file_header *ret_header)
{
    FILE *file = fopen(BUILD_ENCLAVE, "re");
    bool ok = file && fread(ret_header, sizeof(*ret_header), 1, file) == 1 && ret_header->magic == ENCLAVE_FILE_MAGIC &&
              ret_header->version == ENCLAVE_FILE_VERSION;
    if (file)
        fclose(file);
    return ok;
}

int make_folder(const char *path)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    int err = -errno;
    cli_error("folder %s cannot be made: %s", path, strerror(-err));
    return err;
}

int open_lock(void) { return open("build/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644); }

int own_path(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n <= 0)
        return cli_error("/proc/self/exe: %s. What helps: mount -t proc proc /proc", strerror(errno));
    path[n] = '\0';
    return STATUS_OK;
}

const char *find_libos(void)
{
    static char path[PATH_MAX];
    static const char *const places[] = { "/../libos/libocclum-libos.so", "/../lib/occlum/libocclum-libos.so",
                                          "/../" OCCLUM_LIBDIR "/occlum/libocclum-libos.so" };
    char self[PATH_MAX];

    if (own_path(self))
        return NULL;
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (snprintf(path, sizeof(path), "%s%s", self, places[i]) < PATH_MAX && access(path, R_OK) == 0)
            return path;
    }
    cli_error("the library OS (libocclum-libos.so) is not where occlum is installed. Install occlum again");
    return NULL;
}
