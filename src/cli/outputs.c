// SPDX-License-Identifier: BSD-3-Clause
#include "cli/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define PUBLISH "build/.publish"

// The state is last: without it nothing that is found is trusted to be what was built from the present inputs.
static const char *const outputs[] = { BUILD_IMAGE, BUILD_ENCLAVE_XML, BUILD_ENCLAVE, BUILD_STATE };
enum { OUTPUTS = sizeof(outputs) / sizeof(outputs[0]), PATH_SIZE = 64 };

static void staged_path(size_t i, const char *suffix, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s" STAGED "%s", outputs[i], suffix);
}

// What is not staged has not changed, or is in its place already.
static int rename_all(void)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < OUTPUTS; i++) {
        staged_path(i, "", path);
        if (rename(path, outputs[i]) != 0 && errno != ENOENT)
            return cli_error("%s cannot be replaced: %s", outputs[i], strerror(errno));
    }
    return STATUS_OK;
}

static int cannot_write(int err) { return cli_error("%s cannot be written: %s", PUBLISH, strerror(err)); }

// The mark file, locked for its caller alone, or -1 after a message.
static int lock_mark(void)
{
    int fd = open(PUBLISH, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    cannot_write(errno);
    if (fd >= 0)
        close(fd);
    return -1;
}

// Renames what is staged and takes the mark away, under the lock of lock_mark, which it gives back.
static int publish_and_close(int fd)
{
    int status = rename_all();
    if (!status && ftruncate(fd, 0) != 0)
        status = cannot_write(errno);
    close(fd);
    return status;
}

int outputs_publish(void)
{
    int fd = lock_mark();

    if (fd < 0)
        return STATUS_ERROR;
    if (pwrite(fd, "1", 1, 0) != 1) {
        int status = cannot_write(errno);
        close(fd);
        return status;
    }
    return publish_and_close(fd);
}

static bool interrupted(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size > 0;
}

// The mark is looked at under the lock, whatever was seen before: somebody else may have finished the renames since,
// and what is staged now may be of another build, half made.
static int finish_interrupted(void)
{
    int fd = lock_mark();

    if (fd < 0)
        return STATUS_ERROR;
    if (interrupted(fd))
        return publish_and_close(fd);
    close(fd);
    return STATUS_OK;
}

static void remove_all(const char *pattern)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t k = 0; k < found.gl_pathc; k++)
        unlink(found.gl_pathv[k]);
    globfree(&found);
}

int outputs_clean(void)
{
    char path[PATH_SIZE];
    int status = finish_interrupted();

    for (size_t i = 0; !status && i < OUTPUTS; i++) {
        staged_path(i, "*", path);
        remove_all(path);
    }
    remove_all(INSTANCE_STATUS TEMPORARY "*");
    return status;
}

int outputs_open(int *ret_enclave, int *ret_image)
{
    int lock = open(PUBLISH, O_RDONLY | O_CLOEXEC);

    while (lock >= 0 && flock(lock, LOCK_SH) == 0 && interrupted(lock)) {
        flock(lock, LOCK_UN);
        if (finish_interrupted() != STATUS_OK) {
            close(lock);
            return cli_error("the last build was interrupted. Build again: occlum build");
        }
    }
    int enclave = open(BUILD_ENCLAVE, O_RDONLY | O_CLOEXEC), err = errno;
    int image = open(BUILD_IMAGE, O_RDONLY | O_CLOEXEC);
    if (lock >= 0)
        close(lock);
    if (enclave < 0) {
        if (image >= 0)
            close(image);
        return cli_error("this instance is not built (%s: %s). Build it: occlum build", BUILD_ENCLAVE, strerror(err));
    }
    *ret_enclave = enclave;
    *ret_image = image;
    return STATUS_OK;
}
