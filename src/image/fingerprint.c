// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sys/stat.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "image/image.h"

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static void add_entry(struct sha256 *hash, const FTSENT *entry)
{
    const struct stat *st = entry->fts_statp;
    u64 facts[] = { (u64)st->st_ino,
                    st->st_mode,
                    (u64)st->st_size,
                    (u64)st->st_mtim.tv_sec,
                    (u64)st->st_mtim.tv_nsec,
                    (u64)st->st_ctim.tv_sec,
                    (u64)st->st_ctim.tv_nsec,
                    st->st_nlink,
                    st->st_rdev };
    char target[4096];

    sha256_update(hash, entry->fts_path, strlen(entry->fts_path) + 1);
    sha256_update(hash, facts, S_ISDIR(st->st_mode) ? 2 * sizeof(u64) : sizeof(facts));
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlink(entry->fts_accpath, target, sizeof(target));
        sha256_update(hash, target, n > 0 ? (size_t)n : 0);
    }
}

int image_fingerprint(const char *folder, u8 ret_digest[32])
{
    char *roots[] = { (char *)(uintptr_t)folder, NULL };
    struct sha256 hash;
    FTSENT *entry;
    int err = 0;

    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!tree) {
        err = -errno;
    } else {
        sha256_init(&hash);
        while (!err && (entry = fts_read(tree)) != NULL) {
            if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
                err = -entry->fts_errno;
            else if (entry->fts_info != FTS_DP)
                add_entry(&hash, entry);
        }
        fts_close(tree);
    }
    if (err)
        fprintf(stderr, "occlum: image: %s cannot be read: %s\n", folder, strerror(-err));
    else
        sha256_final(&hash, ret_digest);
    return err;
}
