// SPDX-License-Identifier: BSD-3-Clause
// /dev/volume (volfs.h).
#include "base/fmt.h"
#include "libos/fs/volfs/volfs_node.h"

enum { TEXT_BYTES = 128, TAG_BYTES = 16 };

// The volume of "/", locked; NULL: it is none.
static struct volfs *lock_root(void)
{
    if (fs_root->ops != &volfs_ops)
        return NULL;
    struct volfs *fs = vnode_of(fs_root)->fs;
    volfs_lock(fs);
    return fs;
}

static void put_hex(char *to, const u8 *bytes)
{
    for (size_t i = 0; i < TAG_BYTES; i++)
        fmt_format(to + 2 * i, 3, "%02x", bytes[i]);
}

static long read_state(struct file *file, struct uio *uio, u64 *offset)
{
    char uuid[2 * TAG_BYTES + 1], tag[2 * TAG_BYTES + 1], text[TEXT_BYTES];
    struct volume_info info;
    struct volfs *fs = lock_root();

    if (!fs)
        return -ENODEV;
    volume_get_info(fs->ext2->volume, &info);
    volfs_unlock(fs);
    put_hex(uuid, info.uuid);
    put_hex(tag, info.root_tag);
    size_t len = fmt_format(text, sizeof(text), "%s %llu %s\n", uuid, (unsigned long long)info.generation, tag);
    if (*offset >= len)
        return 0;
    long n = uio_put_some(uio, (const u8 *)text + *offset, MIN(len - *offset, uio->left));
    *offset += n > 0 ? (u64)n : 0;
    return n;
}

static bool digit(char c, u32 base, u32 *ret_digit)
{
    *ret_digit = c >= 'a' ? (u32)(c - 'a') + 10 : (u32)(c - '0');
    return (c >= '0' && c <= '9') || (base == 16 && c >= 'a' && c <= 'f');
}

// "GENERATION STATE", and a newline perhaps.
static bool parse(const char *text, u64 *ret_generation, u8 ret_tag[TAG_BYTES])
{
    u32 high, low;
    const char *at = text;

    for (*ret_generation = 0; digit(*at, 10, &low); at++)
        if (__builtin_mul_overflow(*ret_generation, 10ull, ret_generation) ||
            __builtin_add_overflow(*ret_generation, (u64)low, ret_generation))
            return false;
    if (at == text || *at++ != ' ')
        return false;
    for (size_t i = 0; i < TAG_BYTES; i++, at += 2) {
        if (!digit(at[0], 16, &high) || !digit(at[1], 16, &low))
            return false;
        ret_tag[i] = (u8)(high << 4 | low);
    }
    return !*at || (*at == '\n' && !at[1]);
}

// What came after the opening is ours; the commit it was opened at is the one that was kept, or the next one, which
// says what it came after, or later.
static int assert_state(const struct volume *volume, u64 generation, const u8 tag[TAG_BYTES])
{
    struct volume_state opened = volume_opened_at(volume);
    struct volume_info now;

    volume_get_info(volume, &now);
    if (generation > now.generation)
        return -ESTALE;
    if (generation == now.generation)
        return memcmp(now.root_tag, tag, TAG_BYTES) == 0 ? 0 : -ESTALE;
    if (generation == opened.generation)
        return memcmp(opened.root_tag, tag, TAG_BYTES) == 0 ? 0 : -ESTALE;
    if (generation + 1 == opened.generation)
        return memcmp(opened.previous_tag, tag, TAG_BYTES) == 0 ? 0 : -ESTALE;
    return 0;
}

static long write_state(struct file *file, struct uio *uio, u64 *offset)
{
    char text[TEXT_BYTES] = "";
    u8 tag[TAG_BYTES];
    u64 generation;
    size_t size = uio->left;

    if (size >= sizeof(text))
        return -EINVAL;
    long n = uio_take_some(uio, (u8 *)text, size);
    if (n < 0 || (size_t)n < size)
        return n < 0 ? n : -EFAULT;
    if (!parse(text, &generation, tag))
        return -EINVAL;
    struct volfs *fs = lock_root();
    if (!fs)
        return -ENODEV;
    int err = assert_state(fs->ext2->volume, generation, tag);
    volfs_unlock(fs);
    return err ? err : n;
}

const struct file_ops volfs_device_ops = { .read = read_state, .write = write_state };
