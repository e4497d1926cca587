// SPDX-License-Identifier: BSD-3-Clause
#include "fake_volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../ext2/image.h"
#include "../volume/disk.h"

enum { BLOCKS = 8000 };

static struct disk disk;
static struct volume *volume;
static struct ext2 *ext2;

bool fake_volume_clean(void);

struct ext2 *fake_volume_new(void)
{
    static const u8 key[32], binding[32];
    struct volume_backend backend = disk_backend(&disk);
    struct volume_options options = { .cache_blocks = 128 };

    if (volume) {
        ext2_unmount(ext2);
        volume_close(volume);
    }
    disk_free(&disk);
    if (volume_format(&test_env, &backend, key, binding, BLOCKS, BLOCKS) != 0 ||
        volume_open(&test_env, &backend, &options, &volume) != 0 || ext2_format(volume, &test_env, BLOCKS, 0) != 0 ||
        ext2_mount(volume, &test_env, &ext2) != 0)
        abort();
    return ext2;
}

static int outside = -1; // the machine's root: the test lives in a chroot

__attribute__((constructor)) static void remember_outside(void)
{
    outside = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int check_outside(void)
{
    char path[64], log[80];

    if (fchdir(outside) != 0 || chroot(".") != 0)
        return 1;
    snprintf(path, sizeof(path), "/tmp/fake-volume-%d.img", getpid());
    snprintf(log, sizeof(log), "%s.log", path);
    bool good = image_write(volume, path) == 0 && image_check(path) == 0;
    unlink(path);
    unlink(log);
    return !good;
}

bool fake_volume_clean(void)
{
    int status = 1;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        status = check_outside();
        fflush(NULL);
        _exit(status);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}
