// SPDX-License-Identifier: BSD-3-Clause
#include "bom/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/sha256.h"

static int write_all(int fd, const u8 *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        n = n < 0 ? 0 : n;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

// Contents through our hands, to hash them on the way.
static int copy_hashed(int from, int to, u8 ret_hash[32], const volatile int *stop)
{
    static u8 buffer[256 << 10];
    struct sha256 hash;
    sha256_init(&hash);
    for (;;) {
        ssize_t n = read(from, buffer, sizeof(buffer));
        if (*stop)
            return -EINTR;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        n = n < 0 ? 0 : n;
        sha256_update(&hash, buffer, (size_t)n);
        int err = write_all(to, buffer, (size_t)n);
        if (err)
            return err;
    }
    sha256_final(&hash, ret_hash);
    return 0;
}

// Contents by the kernel, which may share blocks; -EOPNOTSUPP when these two files cannot be copied so.
static int copy_in_kernel(int from, int to, u64 size, const volatile int *stop)
{
    u64 done = 0;
    while (done < size) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, MIN(size - done, (u64)64 << 20), 0);
        if (*stop)
            return -EINTR;
        if (n < 0 && errno != EINTR)
            return done ? -errno : -EOPNOTSUPP;
        if (n == 0)
            return done ? -EUCLEAN : -EOPNOTSUPP; // some file systems answer 0 instead of refusing
        done += n > 0 ? (u64)n : 0;
    }
    return 0;
}

static bool is_as_planned(const struct stat *now, const struct stat *planned)
{
    return now->st_dev == planned->st_dev && now->st_ino == planned->st_ino && now->st_size == planned->st_size &&
           now->st_mtim.tv_sec == planned->st_mtim.tv_sec && now->st_mtim.tv_nsec == planned->st_mtim.tv_nsec;
}

static int copy_contents(const struct step *step, int from, int to, const volatile int *stop)
{
    struct stat status;
    u8 hash[32];
    // A file of size 0 may have contents all the same: those of /proc have.
    int err = step->hashed || step->status.st_size == 0 ? -EOPNOTSUPP
                                                        : copy_in_kernel(from, to, (u64)step->status.st_size, stop);
    if (err == -EOPNOTSUPP)
        err = copy_hashed(from, to, hash, stop);
    if (!err && step->hashed && memcmp(hash, step->hash, sizeof(hash)) != 0)
        err = -EUCLEAN;
    if (!err && (fstat(from, &status) != 0 || !is_as_planned(&status, &step->status)))
        err = -EUCLEAN;
    return err;
}

static int finish(const struct step *step, int to)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, step->status.st_mtim };
    if (fchmod(to, step->status.st_mode & 07777) != 0 || futimens(to, times) != 0)
        return -errno;
    return 0;
}

int copy_file(const struct step *step, int folder, const char *name, const volatile int *stop)
{
    char temporary[64];
    snprintf(temporary, sizeof(temporary), ".copy_bom.%ld", (long)getpid());
    int from = open(step->from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0)
        return -errno;
    unlinkat(folder, temporary, 0); // of a copy_bom of this number that was killed
    int to = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int err = to < 0 ? -errno : copy_contents(step, from, to, stop);
    if (!err)
        err = finish(step, to);
    if (to >= 0 && close(to) != 0 && !err)
        err = -errno;
    close(from);
    if (!err && renameat(folder, temporary, folder, name) != 0)
        err = -errno;
    if (err && to >= 0)
        unlinkat(folder, temporary, 0);
    return err;
}
