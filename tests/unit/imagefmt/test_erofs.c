// SPDX-License-Identifier: BSD-3-Clause
// A hand-made image, whole and with random damage: the reader answers with errors, never with a fault.
#include <string.h>

#include "imagefmt/erofs.h"
#include "imagefmt/sites.h"
#include "test.h"

enum { SIZE = 4 * 4096, ROOT = 40, FILE_NID = 44, DEVICE_NID = 48 };

static u8 image[SIZE];

static int read_image(void *ctx, u64 offset, void *buf, size_t n)
{
    if (offset > SIZE || n > SIZE - offset)
        __builtin_trap(); // erofs_open promises offsets below size
    memcpy(buf, image + offset, n);
    return 0;
}

static void put(u64 offset, u64 value, size_t n) { memcpy(image + offset, &value, n); }

static void put_inode(u64 nid, u32 layout, u32 mode, u32 size, u32 address)
{
    put(nid * 32, layout << 1, 2);
    put(nid * 32 + 4, mode, 2);
    put(nid * 32 + 6, 1, 2);
    put(nid * 32 + 8, size, 4);
    put(nid * 32 + 16, address, 4);
}

// A root folder (inline, in block 0) with "dev" and "file": 4096 bytes in block 1 and a tail of 4.
static void make_image(void)
{
    static const char names[] = "...devfile";
    static const u64 nids[] = { ROOT, ROOT, DEVICE_NID, FILE_NID };
    static const u32 starts[] = { 0, 1, 3, 6 };
    u64 entries = ROOT * 32 + 32;

    memset(image, 0, sizeof(image));
    put(1024, 0xe0f5e1e2, 4);
    put(1024 + 12, 12, 1);
    put(1024 + 14, ROOT, 2);
    put_inode(ROOT, EROFS_INLINE, 0040755, 48 + 10, 0);
    for (u64 i = 0; i < 4; i++) {
        put(entries + 12 * i, nids[i], 8);
        put(entries + 12 * i + 8, 48 + starts[i], 2);
    }
    memcpy(image + entries + 48, names, 10);
    put_inode(FILE_NID, EROFS_INLINE, 0100644, 4096 + 4, 1);
    memset(image + 4096, 'a', 4096);
    memcpy(image + FILE_NID * 32 + 32, "tail", 4);
    put_inode(DEVICE_NID, EROFS_PLAIN, 0020666, 0, 0x12345678);
}

static struct erofs opened(void) { return (struct erofs){ .read = read_image, .size = SIZE }; }

static int collect(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    (void)type;
    char *text = arg;
    if (strlen(text) + len + 2 < 100) {
        strncat(text, name, len);
        strcat(text, " ");
    }
    return 0;
}

TEST(folder_and_files)
{
    struct erofs fs = opened();
    struct erofs_inode inode;
    char names[100] = "", data[20] = "";
    u8 block[4096];
    u64 position, len;

    make_image();
    CHECK_EQ(erofs_open(&fs), 0);
    CHECK_EQ(erofs_inode(&fs, fs.root, &inode), 0);
    CHECK_EQ(erofs_for_each(&fs, &inode, block, collect, names), 0);
    CHECK_STR(names, "dev file ");
    CHECK_EQ(erofs_inode(&fs, FILE_NID, &inode), 0);
    CHECK_EQ(erofs_for_each(&fs, &inode, block, collect, names), -20);
    CHECK_EQ(erofs_read(&fs, &inode, 4094, data, sizeof(data)), 6);
    CHECK_STR(data, "aatail");
    CHECK_EQ(erofs_read(&fs, &inode, 4100, data, sizeof(data)), 0);
    CHECK_EQ(erofs_map(&fs, &inode, 4100, &position, &len), -5);
    CHECK_EQ(erofs_inode(&fs, DEVICE_NID, &inode), 0);
    CHECK_EQ(inode.rdev, 0x12345678);
}

TEST(refused)
{
    struct erofs fs = opened();
    struct erofs_inode inode;

    make_image();
    fs.size = 1000;
    CHECK_EQ(erofs_open(&fs), -5);
    fs = opened();
    image[1024] ^= 1;
    CHECK_EQ(erofs_open(&fs), -22);
    image[1024] ^= 1;
    put(1024 + 80, 1, 4); // LZ4
    CHECK_EQ(erofs_open(&fs), -95);
    put(1024 + 80, 0, 4);
    CHECK_EQ(erofs_open(&fs), 0);
    CHECK_EQ(erofs_inode(&fs, SIZE / 32, &inode), -5);
    CHECK_EQ(erofs_inode(&fs, UINT64_MAX, &inode), -5);
    put_inode(FILE_NID, 1, 0100644, 10, 1); // compressed
    CHECK_EQ(erofs_inode(&fs, FILE_NID, &inode), -95);
    put_inode(FILE_NID, EROFS_PLAIN, 0100644, SIZE + 1, 1);
    CHECK_EQ(erofs_inode(&fs, FILE_NID, &inode), -5);
    u8 buf[64];
    put_inode(FILE_NID, EROFS_PLAIN, 0100644, 4097, 3); // leaves the image
    CHECK_EQ(erofs_inode(&fs, FILE_NID, &inode), 0);
    CHECK_EQ(erofs_read(&fs, &inode, 0, buf, sizeof(buf)), -5);
}

static int visit_all(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    (void)type;
    u8 buf[5000];
    struct erofs_inode inode;
    u64 *steps = arg;

    if (len > 255 || memchr(name, '/', len))
        __builtin_trap();
    struct erofs fs = opened();
    fs.block_bits = 12;
    if (erofs_inode(&fs, nid, &inode) == 0 && erofs_read(&fs, &inode, 0, buf, sizeof(buf)) > (long)sizeof(buf))
        __builtin_trap();
    return ++*steps > 100000;
}

TEST(random_damage)
{
    u8 block[4096];
    u64 visits = 0;

    for (int round = 0; round < 20000; round++) {
        struct erofs fs = opened();
        struct erofs_inode inode;
        make_image();
        for (u64 n = 1 + test_random() % 4; n; n--) // superblock, inodes, entries
            image[1024 + test_random() % 600] = (u8)test_random();
        if (erofs_open(&fs) == 0 && erofs_inode(&fs, fs.root, &inode) == 0) {
            int err = erofs_for_each(&fs, &inode, block, visit_all, &visits);
            CHECK(err == 0 || err == -5 || err == -20);
        }
    }
    CHECK(visits > 1000);
}

TEST(call_site_entries)
{
    CHECK(sites_entry_ok(&(struct sites_entry){ 1, 40, 24 }, 64));
    CHECK(!sites_entry_ok(&(struct sites_entry){ 1, 40, 25 }, 64));
    CHECK(!sites_entry_ok(&(struct sites_entry){ 1, 41, 8 }, 64));
    CHECK(!sites_entry_ok(&(struct sites_entry){ 1, 72, 0 }, 64));
    CHECK(!sites_entry_ok(&(struct sites_entry){ 1, 8, UINT64_MAX }, 64));
}
