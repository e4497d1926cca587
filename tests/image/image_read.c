// SPDX-License-Identifier: BSD-3-Clause
// The image packer and its readers, outside the LibOS. Parameters of an image are kept as a struct occlum_image in a
// file.
//   image-read build FOLDER IMAGE PARAMETERS
//   image-read list IMAGE PARAMETERS              one line per path: path, type and mode, size, links, mtime in ns,
//   target or SHA-256 image-read tamper IMAGE PARAMETERS N check|skip   N single-byte changes; skip: the planted reader
//   without verification
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/sha256.h"
#include "image/image.h"
#include "imagefmt/erofs.h"
#include "imagefmt/verified.h"

static u8 *image;
static u64 image_blocks;
static struct occlum_image info;
static struct verified_image reader;
static bool skip_verification;

static int fetch(void *ctx, u64 block, void *out)
{
    if (block >= image_blocks)
        return -EIO;
    memcpy(out, image + block * VERITY_BLOCK, VERITY_BLOCK);
    return 0;
}

static bool cache_get(void *ctx, u64 block, u32 entry, u8 out[VERITY_HASH]) { return false; }
static void cache_put(void *ctx, u64 block, const void *data) {}
static void *scratch_get(void *ctx) { return malloc(VERITY_BLOCK); }
static void scratch_put(void *ctx, void *block) { free(block); }

static int read_block(u64 block, u8 *out)
{
    return skip_verification ? fetch(NULL, block, out) : verified_read(&reader, block, out);
}

static int read_bytes(void *ctx, u64 offset, void *buf, size_t n)
{
    u8 block[VERITY_BLOCK];

    for (size_t done = 0; done < n;) {
        size_t in_block = (offset + done) % VERITY_BLOCK, part = MIN(n - done, VERITY_BLOCK - in_block);
        int err = read_block((offset + done) / VERITY_BLOCK, block);
        if (err)
            return err;
        memcpy((u8 *)buf + done, block + in_block, part);
        done += part;
    }
    return 0;
}

static void *read_file(const char *path, u64 *ret_size)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    if (!file || fstat(fileno(file), &st) != 0) {
        perror(path);
        exit(2);
    }
    u8 *data = malloc((size_t)st.st_size + 1);
    if (!data || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
        exit(2);
    fclose(file);
    *ret_size = (u64)st.st_size;
    return data;
}

static int open_image(const char *path, const char *parameters)
{
    u64 size;
    void *p = read_file(parameters, &size);
    if (size != sizeof(info))
        return -EINVAL;
    memcpy(&info, p, sizeof(info));
    free(p);
    image = read_file(path, &size);
    image_blocks = size / VERITY_BLOCK;
    reader = (struct verified_image){ .fetch = fetch,
                                      .cache_get = cache_get,
                                      .cache_put = cache_put,
                                      .scratch_get = scratch_get,
                                      .scratch_put = scratch_put };
    return verity_init(&reader.verity, info.data_blocks, info.hash_start_block, info.root_hash, info.salt,
                       info.salt_size);
}

static int build(const char *folder, const char *output, const char *parameters)
{
    struct image_request request = { .folder = folder, .output = output };

    if (image_build(&request, &info) != 0)
        return 1;
    FILE *file = fopen(parameters, "we");
    if (!file || fwrite(&info, sizeof(info), 1, file) != 1 || fclose(file) != 0)
        return 2;
    printf("data_blocks %lu\nfs_blocks %lu\nsites_size %lu\nhash_start_block %lu\nroot ", info.data_blocks,
           info.fs_blocks, info.sites_size, info.hash_start_block);
    for (int i = 0; i < 32; i++)
        printf("%02x", info.root_hash[i]);
    printf("\nsalt ");
    for (u32 i = 0; i < info.salt_size; i++)
        printf("%02x", info.salt[i]);
    printf("\n");
    return 0;
}

struct list {
    struct erofs fs;
    const char *parent;
    int err;
};

static void print_content(struct list *list, const struct erofs_inode *inode)
{
    struct sha256 hash;
    u8 buf[10000], digest[SHA256_SIZE];

    sha256_init(&hash);
    for (u64 offset = 0; !list->err && offset < inode->size;) {
        long n = erofs_read(&list->fs, inode, offset, buf, sizeof(buf));
        if (n <= 0)
            list->err = -EIO;
        else if (S_ISLNK(inode->mode))
            printf("%.*s", (int)n, (const char *)buf);
        else
            sha256_update(&hash, buf, (size_t)n);
        offset += n > 0 ? (u64)n : 0;
    }
    sha256_final(&hash, digest);
    for (int i = 0; i < SHA256_SIZE && !S_ISLNK(inode->mode); i++)
        printf("%02x", digest[i]);
}

static int list_entry(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    (void)type;
    struct list *list = arg;
    struct erofs_inode inode;
    char path[8192];
    u8 block[VERITY_BLOCK];

    if (snprintf(path, sizeof(path), "%s/%.*s", list->parent, (int)len, name) >= (int)sizeof(path))
        list->err = -ENAMETOOLONG;
    if (!list->err)
        list->err = erofs_inode(&list->fs, nid, &inode);
    if (list->err)
        return 1;
    bool folder = S_ISDIR(inode.mode);
    printf("%s\t%o\t%lu\t%u\t%ld\t", path, inode.mode, folder ? 0 : inode.size, folder ? 0 : inode.nlink, inode.mtime);
    if (S_ISREG(inode.mode) || S_ISLNK(inode.mode))
        print_content(list, &inode);
    printf("\n");
    if (folder) {
        struct list below = { .fs = list->fs, .parent = path };
        int err = erofs_for_each(&list->fs, &inode, block, list_entry, &below);
        list->err = err ? err : below.err;
    }
    return list->err != 0;
}

static int list_image(void)
{
    struct list list = { .fs = { .read = read_bytes, .size = info.fs_blocks * VERITY_BLOCK }, .parent = "" };
    struct erofs_inode root;
    u8 block[VERITY_BLOCK];

    int err = erofs_open(&list.fs);
    if (!err)
        err = erofs_inode(&list.fs, list.fs.root, &root);
    if (!err)
        err = erofs_for_each(&list.fs, &root, block, list_entry, &list);
    return err || list.err ? 1 : 0;
}

// Every change must be refused somewhere, and no block may be delivered with other bytes than it was built with.
static int tamper(u64 changes)
{
    u64 wrong = 0, unseen = 0;
    u8 block[VERITY_BLOCK];
    u8 *right = malloc(image_blocks * VERITY_BLOCK);

    if (!right)
        return 2;
    memcpy(right, image, image_blocks * VERITY_BLOCK);
    srandom(1);
    for (u64 change = 0; change < changes; change++) {
        // Areas in turn: file system, call sites, hash tree.
        u64 from[] = { 0, info.fs_blocks, info.hash_start_block },
            to[] = { info.fs_blocks, info.data_blocks, image_blocks };
        u64 area = change % 3,
            at = from[area] * VERITY_BLOCK + (u64)random() % ((to[area] - from[area]) * VERITY_BLOCK);
        u64 refused = 0, bad = 0;
        image[at] ^= (u8)(1 + random() % 255);
        for (u64 i = 0; i < info.data_blocks; i++) {
            if (read_block(i, block) != 0)
                refused++;
            else if (memcmp(block, right + i * VERITY_BLOCK, VERITY_BLOCK) != 0)
                bad++;
        }
        image[at] = right[at];
        wrong += bad;
        unseen += refused == 0;
    }
    free(right);
    printf("%lu changes: %lu wrong blocks delivered, %lu changes unseen\n", changes, wrong, unseen);
    return wrong || unseen ? 1 : 0;
}

static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) && __builtin_cpu_supports("sse4.1");
}

int main(int argc, char **argv)
{
    sha256_select(cpu_has_sha());
    if (argc == 5 && strcmp(argv[1], "build") == 0)
        return build(argv[2], argv[3], argv[4]);
    if (argc < 4 || open_image(argv[2], argv[3]) != 0)
        return 2;
    if (argc == 4 && strcmp(argv[1], "list") == 0)
        return list_image();
    if (argc == 6 && strcmp(argv[1], "tamper") == 0) {
        skip_verification = strcmp(argv[5], "skip") == 0;
        return tamper(strtoul(argv[4], NULL, 10));
    }
    return 2;
}
