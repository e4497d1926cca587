// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/image_fs.h"
#include "base/checked.h"
#include "base/string.h"
#include "crypto/sha256.h"
#include "imagefmt/erofs.h"
#include "imagefmt/seal.h"
#include "imagefmt/sites.h"
#include "imagefmt/verified.h"
#include "libos/fs/image_key.h"
#include "libos/fs/page_cache.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/sync/mutex.h"
#include "trusted/cpu.h"
#include "trusted/vector.h"

static struct verified_image image;
static struct erofs fs;
static const struct occlum_image *info;
static struct image_cipher cipher; // of a sealed image

static int fetch(void *ctx, u64 block, void *out) { return image_source_read(block, out, 1); }

// Verified hash blocks: one of 128 covers 512 KiB of data, so a few hundred serve a large image.
enum { HASH_SLOTS = 256 };
static struct {
    u64 block;
    u8 *data;
} hash_cache[HASH_SLOTS];
static struct spinlock hash_lock = SPINLOCK_INIT(LOCK_IMAGE_HASHES);

static bool cache_get(void *ctx, u64 block, u32 entry, u8 out[VERITY_HASH])
{
    bool hit = false;
    spin_lock(&hash_lock);
    if (hash_cache[block % HASH_SLOTS].data && hash_cache[block % HASH_SLOTS].block == block) {
        memcpy(out, hash_cache[block % HASH_SLOTS].data + entry * VERITY_HASH, VERITY_HASH);
        hit = true;
    }
    spin_unlock(&hash_lock);
    return hit;
}

static void cache_put(void *ctx, u64 block, const void *data)
{
    u8 *copy = kpages_alloc(1);
    if (!copy)
        return; // a cache may forget
    memcpy(copy, data, VERITY_BLOCK);
    spin_lock(&hash_lock);
    u8 *old = hash_cache[block % HASH_SLOTS].data;
    hash_cache[block % HASH_SLOTS].data = copy;
    hash_cache[block % HASH_SLOTS].block = block;
    spin_unlock(&hash_lock);
    if (old)
        kpages_free(old, 1);
}

static void *scratch_get(void *ctx) { return kpages_alloc(1); }
static void scratch_put(void *ctx, void *block) { kpages_free(block, 1); }

static int report(int err, u64 block)
{
    if (err == -EIO)
        log_error("image: the block at %lu, or one close behind it, does not match the measured root hash", block);
    return err;
}

// Copied in, and checked where they lie then. Hashing uses vector registers, which are the program's until
// saved.
static int read_run(u64 block, void *to, u64 count)
{
    int err = image_source_read(block, to, count);
    vector_begin();
    if (!err)
        err = verified_check(&image, block, to, count);
    if (!err && info->sealed)
        image_cipher_blocks(&cipher, block, to, count);
    vector_end();
    return report(err, block);
}

static int read_fs(void *ctx, u64 offset, void *buf, size_t n)
{
    u8 *to = buf;
    while (n) {
        u32 in_block = offset % VERITY_BLOCK;
        size_t piece = MIN(n, (size_t)(VERITY_BLOCK - in_block));
        int err = page_cache_read(offset / VERITY_BLOCK, in_block, to, piece);
        if (err)
            return err;
        offset += piece, to += piece, n -= piece;
    }
    return 0;
}

// Whole blocks past the cache, the edges through it.
static int read_fs_once(void *ctx, u64 offset, void *buf, size_t n)
{
    size_t head = MIN(n, (size_t)(ALIGN_UP(offset, VERITY_BLOCK) - offset)), whole = (n - head) / VERITY_BLOCK;
    u8 *to = buf;

    int err = read_fs(ctx, offset, to, head);
    if (!err && whole)
        err = read_run((offset + head) / VERITY_BLOCK, to + head, whole);
    size_t done = head + whole * VERITY_BLOCK;
    return err ? err : read_fs(ctx, offset + done, to + done, n - done);
}

static int attr(u64 nid, struct lower_attr *ret)
{
    struct erofs_inode inode;
    int err = erofs_inode(&fs, nid, &inode);
    if (err)
        return err;
    *ret = (struct lower_attr){
        .mode = inode.mode,
        .nlink = inode.nlink,
        .uid = inode.uid,
        .gid = inode.gid,
        .size = inode.size,
        .ino = nid + 1,
        .rdev = inode.rdev,
        .mtime = inode.mtime,
    };
    return 0;
}

struct visitor {
    lower_visit visit;
    void *arg;
};

static int visit_entry(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    const struct visitor *v = arg;
    return v->visit(name, len, nid, nid + 1, type, v->arg);
}

static int for_each(u64 nid, lower_visit visit, void *arg)
{
    struct visitor visitor = { visit, arg };
    struct erofs_inode dir;
    u8 *block = kpages_alloc(1);
    int err = block ? erofs_inode(&fs, nid, &dir) : -ENOMEM;
    if (!err)
        err = erofs_for_each(&fs, &dir, block, visit_entry, &visitor);
    if (block)
        kpages_free(block, 1);
    return err;
}

static long read_file(u64 nid, u64 offset, void *buf, size_t size)
{
    struct erofs_inode inode;
    int err = erofs_inode(&fs, nid, &inode);
    return err ? err : erofs_read(&fs, &inode, offset, buf, size);
}

static long read_file_once(u64 nid, u64 offset, void *buf, size_t size)
{
    struct erofs once = fs;
    struct erofs_inode inode;
    int err = erofs_inode(&fs, nid, &inode);
    once.read = read_fs_once;
    return err ? err : erofs_read(&once, &inode, offset, buf, size);
}

static long read_link(u64 nid, char *buf, size_t size) { return read_file(nid, 0, buf, size); }

// Tables are copied into the kernel heap when first asked for and stay: few files have one.
struct kept_table {
    struct kept_table *next;
    u64 nid;
    size_t size;
    u64 data[];
};
static struct kept_table *kept;
static struct mutex kept_lock = MUTEX_INIT(LOCK_IMAGE);

static int find_entry(u64 nid, struct sites_entry *ret_entry)
{
    struct sites_header header;
    int err = info->sites_size < sizeof(header) ? -ENOENT : read_fs(NULL, info->sites_offset, &header, sizeof(header));
    if (err || header.magic != SITES_MAGIC ||
        header.count > (info->sites_size - sizeof(header)) / sizeof(struct sites_entry))
        return err ? err : -ENOENT;
    for (u64 low = 0, high = header.count; low < high;) {
        u64 middle = low + (high - low) / 2;
        err = read_fs(NULL, info->sites_offset + sizeof(header) + middle * sizeof(*ret_entry), ret_entry,
                      sizeof(*ret_entry));
        if (err)
            return err;
        if (ret_entry->nid == nid)
            return sites_entry_ok(ret_entry, info->sites_size) ? 0 : -EIO;
        if (ret_entry->nid < nid)
            low = middle + 1;
        else
            high = middle;
    }
    return -ENOENT;
}

static int gate_table(u64 nid, const void **ret_table, size_t *ret_size)
{
    struct sites_entry entry;
    int err = 0;

    mutex_lock(&kept_lock);
    struct kept_table *t = kept;
    while (t && t->nid != nid)
        t = t->next;
    if (!t && (err = find_entry(nid, &entry)) == 0) {
        t = kmalloc(sizeof(*t) + entry.size);
        err = t ? read_fs(NULL, info->sites_offset + entry.offset, t->data, entry.size) : -ENOMEM;
        if (err) {
            kfree(t);
            t = NULL;
        } else {
            t->nid = nid;
            t->size = entry.size;
            t->next = kept;
            kept = t;
        }
    }
    mutex_unlock(&kept_lock);
    *ret_table = t ? t->data : NULL;
    *ret_size = t ? t->size : 0;
    return err == -ENOENT ? 0 : err;
}

static const struct lower_tree tree = {
    .attr = attr,
    .for_each = for_each,
    .read = read_file,
    .read_once = read_file_once,
    .readlink = read_link,
    .gate_table = gate_table,
};

// The key that was given, if the image is sealed. -ENOKEY: none was; -EKEYREJECTED: it is another one.
static int unseal(void)
{
    const u8 *key = image_key();
    u8 check[IMAGE_CHECK_BYTES];

    if (!key)
        return -ENOKEY;
    image_seal_check(key, info->seal_id, check);
    if (memcmp(check, info->seal_check, sizeof(check)) != 0)
        return -EKEYREJECTED;
    vector_begin();
    image_cipher_init(&cipher, key, info->seal_id);
    vector_end();
    return 0;
}

int image_fs_open(const struct occlum_image *image_info, const struct host_image *host,
                  const struct lower_tree **ret_tree, u64 *ret_root)
{
    info = image_info;
    image = (struct verified_image){
        .fetch = fetch,
        .cache_get = cache_get,
        .cache_put = cache_put,
        .scratch_get = scratch_get,
        .scratch_put = scratch_put,
    };
    sha256_select(cpu_has_sha());
    int err = info->sealed ? unseal() : 0;
    if (err)
        return err;
    err = verity_init(&image.verity, info->data_blocks, info->hash_start_block, info->root_hash, info->salt,
                      info->salt_size);
    if (err)
        return err;
    err = image_source_init(host, info->hash_start_block + image.verity.hash_blocks);
    if (err) {
        log_error("image: the file is shorter than the one this enclave was built with");
        return err;
    }
    page_cache_init(read_run, info->data_blocks, image_source_mapped());
    fs = (struct erofs){ .read = read_fs, .size = info->fs_blocks * VERITY_BLOCK };
    err = erofs_open(&fs);
    if (err)
        return err;
    *ret_tree = &tree;
    *ret_root = fs.root;
    return 0;
}
