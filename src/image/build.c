// SPDX-License-Identifier: BSD-3-Clause
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/parts.h"

extern char **environ;

static int fail(const char *what, const char *path, int err)
{
    fprintf(stderr, "occlum: image: %s %s: %s\n", what, path, strerror(-err));
    return err;
}

// Says how mkfs.erofs failed, with what it wrote itself.
static void report_mkfs(const char *folder, const char *log, int status)
{
    if (WIFSIGNALED(status))
        fprintf(stderr, "occlum: image: mkfs.erofs could not pack %s: it was ended by signal %d (%s)\n", folder,
                WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "occlum: image: mkfs.erofs could not pack %s: exit status %d\n", folder, WEXITSTATUS(status));
    FILE *text = fopen(log, "re");
    char line[512];
    while (text && fgets(line, sizeof(line), text))
        if (strncmp(line, "mkfs.erofs", 10) != 0)
            fprintf(stderr, "    %s", line);
    if (text)
        fclose(text);
}

// Runs mkfs.erofs with its own output kept for the case that it fails.
static int run_mkfs(const char *folder, const char *output)
{
    char log[PATH_MAX + 8];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    // UUID and owners are fixed, so that the same folder gives the same bytes. Files keep their times, which programs
    // look at (python's byte code is valid only for the time of its source), unless SOURCE_DATE_EPOCH asks for one time
    // for all.
    char fixed_time[32];
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    snprintf(fixed_time, sizeof(fixed_time), "-T%.20s", epoch ? epoch : "");
    char *argv[] = { "mkfs.erofs",
                     epoch && *epoch ? fixed_time : "--preserve-mtime",
                     "-Enosbcrc",
                     "-U",
                     "6f63636c-756d-4000-8000-000000000001",
                     "--all-root",
                     "-x-1",
                     "--quiet",
                     (char *)(uintptr_t)output,
                     (char *)(uintptr_t)folder,
                     NULL };

    snprintf(log, sizeof(log), "%s.log", output);
    unlink(log); // of a build that was killed
    int fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail("cannot write", log, -errno);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
    int err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    if (err == ENOENT) {
        fprintf(stderr, "occlum: image: mkfs.erofs is not installed. Debian has it in the package erofs-utils\n");
        unlink(log);
        return -ENOENT;
    }
    if (err) {
        unlink(log);
        return fail("cannot start", "mkfs.erofs", -err);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good)
        report_mkfs(folder, log, status);
    unlink(log);
    return good ? 0 : -EIO;
}

// The superblock names the moment of packing, the only thing that differs between two builds of one folder.
static int fix_build_time(int fd)
{
    enum { SUPERBLOCK = 1024, BUILD_TIME = 24, BUILD_TIME_BYTES = 12 };
    const u8 zeros[BUILD_TIME_BYTES] = { 0 };
    return pwrite(fd, zeros, sizeof(zeros), SUPERBLOCK + BUILD_TIME) == sizeof(zeros) ? 0 : -EIO;
}

// Fills the last block with zeros and returns the size in blocks.
static int pad_to_block(int fd, u64 *ret_blocks)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    *ret_blocks = DIV_ROUND_UP((u64)st.st_size, 4096ul);
    return ftruncate(fd, (off_t)(*ret_blocks * 4096)) == 0 ? 0 : -errno;
}

static void step(const struct image_request *request, const char *name, double share)
{
    if (request->progress)
        request->progress(name, share);
}

static int append_parts(const struct image_request *request, int fd, struct occlum_image *image)
{
    int err = fix_build_time(fd);
    if (!err)
        err = pad_to_block(fd, &image->fs_blocks);
    if (err)
        return err;
    step(request, "finding system calls", 0.4);
    image->sites_offset = image->fs_blocks * 4096;
    err = image_append_sites(fd, image->sites_offset, request->learned, &image->sites_size);
    if (!err)
        err = pad_to_block(fd, &image->data_blocks);
    if (err)
        return err;
    if (request->key) {
        step(request, "encrypting", 0.6);
        err = image_seal(fd, request->key, image);
    }
    if (err)
        return err;
    step(request, "hash tree", 0.7);
    return image_append_verity(fd, image);
}

int image_build(const struct image_request *request, struct occlum_image *ret_image)
{
    struct occlum_image image = { .present = 1 };
    char temporary[PATH_MAX];
    struct stat st;

    if (stat(request->folder, &st) != 0)
        return fail("cannot read the folder", request->folder, -errno);
    if (!S_ISDIR(st.st_mode))
        return fail("not a folder:", request->folder, -ENOTDIR);
    if (snprintf(temporary, sizeof(temporary), "%s.tmp", request->output) >= (int)sizeof(temporary))
        return fail("path too long:", request->output, -ENAMETOOLONG);
    unlink(temporary); // of a build that was killed
    step(request, "packing", 0.05);
    int err = run_mkfs(request->folder, temporary);
    int fd = err ? -1 : open(temporary, O_RDWR | O_CLOEXEC);
    if (!err && fd < 0)
        err = fail("cannot open", temporary, -errno);
    if (!err) {
        err = append_parts(request, fd, &image);
        if (!err && (fchmod(fd, 0644) != 0 || fsync(fd) != 0))
            err = -errno;
        if (err)
            fail("cannot write", temporary, err);
    }
    if (fd >= 0)
        close(fd);
    if (!err && rename(temporary, request->output) != 0)
        err = fail("cannot replace", request->output, -errno);
    if (err) {
        unlink(temporary);
        return err;
    }
    step(request, "done", 1);
    *ret_image = image;
    return 0;
}
