// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bom/ldcache.h"
#include "fixture.h"
#include "test.h"

static const struct cache_wish wishes[] = {
    { "liba.so.1", "/opt/lib/liba.so.1", 0, 0 },
    { "liba.so.1", "/lib/glibc-hwcaps/x86-64-v3/liba.so.1", 0, 1ull << 62 },
    { "liba.so.1", "/lib32/liba.so.1", 0x0803, 0 },
    { "liba.so.1", "/lib/liba.so.1", 0, 0 },
    { "libb.so", "relative/libb.so", 0, 0 },
    { "libb.so", "/lib/libb.so", 0, 0 },
};

TEST(found_in_order_without_other_machines_and_hwcaps)
{
    u8 bytes[2048];
    for (unsigned old = 0; old < 2; old++) {
        struct ldcache cache;
        size_t size = fixture_cache(wishes, ARRAY_SIZE(wishes), old, bytes, sizeof(bytes));
        CHECK_EQ(ldcache_open(bytes, size, &cache), 0);
        CHECK_STR(ldcache_find(&cache, "liba.so.1", 0), "/opt/lib/liba.so.1");
        CHECK_STR(ldcache_find(&cache, "liba.so.1", 1), "/lib/liba.so.1");
        CHECK(!ldcache_find(&cache, "liba.so.1", 2));
        CHECK_STR(ldcache_find(&cache, "libb.so", 0), "/lib/libb.so");
        CHECK(!ldcache_find(&cache, "libc.so", 0));
        CHECK(!ldcache_find(&cache, "", 0));
    }
}

TEST(no_cache)
{
    u8 bytes[2048];
    struct ldcache cache = { 0 };
    size_t size = fixture_cache(wishes, ARRAY_SIZE(wishes), false, bytes, sizeof(bytes));
    CHECK(!ldcache_find(&cache, "liba.so.1", 0));
    CHECK_EQ(ldcache_open("", 0, &cache), -EINVAL);
    CHECK_EQ(ldcache_open("ld.so-1.7.0\0\1\0\0\0xxxxxxxxxxxx", 28, &cache), -EINVAL);
    bytes[28] = 3; // big-endian
    CHECK_EQ(ldcache_open(bytes, size, &cache), -EINVAL);
    bytes[28] = 2;
    bytes[18] = '2'; // another version
    CHECK_EQ(ldcache_open(bytes, size, &cache), -EINVAL);
}

TEST(cut_at_every_byte)
{
    u8 bytes[2048];
    for (unsigned old = 0; old < 2; old++) {
        size_t size = fixture_cache(wishes, ARRAY_SIZE(wishes), old, bytes, sizeof(bytes)),
               table = (old ? 32u : 0u) + 48 + ARRAY_SIZE(wishes) * 24;
        for (size_t cut = 0; cut < size; cut++) {
            struct ldcache cache;
            u8 *copy = malloc(cut ? cut : 1); // so that ASan sees a byte too much
            memcpy(copy, bytes, cut);
            int err = ldcache_open(copy, cut, &cache);
            CHECK_EQ(err, cut < table ? -EINVAL : 0);
            if (!err && cut + 1 == size)
                CHECK(!ldcache_find(&cache, "libb.so", 0)); // its path has no end
            free(copy);
        }
    }
}

TEST(damaged_files_do_not_crash)
{
    u8 bytes[2048];
    unsigned opened = 0, found = 0;
    for (unsigned round = 0; round < 50000; round++) {
        struct ldcache cache;
        size_t size = fixture_cache(wishes, ARRAY_SIZE(wishes), round % 2, bytes, sizeof(bytes));
        for (u64 n = test_random() % 4; n < 4; n++)
            bytes[test_random() % size] = (u8)test_random();
        u8 *copy = malloc(size);
        memcpy(copy, bytes, size);
        if (ldcache_open(copy, size, &cache) == 0) {
            opened++;
            for (size_t i = 0; ldcache_find(&cache, "liba.so.1", i); i++)
                found++;
        }
        free(copy);
    }
    CHECK(opened > 1000 && found > 1000 && opened < 50000);
}

// The cache of this machine, against what ldconfig prints of it.
TEST(as_ldconfig_prints_it)
{
    FILE *file = fopen("/etc/ld.so.cache", "re"), *printed;
    static u8 bytes[4 << 20];
    char line[8192], last[8192] = "";
    struct ldcache cache;
    size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0, n = 0, checked = 0;
    if (file)
        fclose(file);
    if (!size || !(printed = popen("/sbin/ldconfig -p 2>/dev/null", "re"))) {
        printf("# no cache here\n");
        return;
    }
    CHECK_EQ(ldcache_open(bytes, size, &cache), 0);
    while (fgets(line, sizeof(line), printed)) {
        char name[4096], path[4096];
        if (sscanf(line, "\t%4095s (libc6,x86-64) => %4095s", name, path) != 2)
            continue;
        n = strcmp(name, last) == 0 ? n + 1 : 0;
        strcpy(last, name);
        const char *found = ldcache_find(&cache, name, n);
        CHECK(found);
        CHECK_STR(found, path);
        checked++;
    }
    pclose(printed);
    printf("# %zu entries\n", checked);
}

TEST(ld_so_conf_with_includes_and_a_circle)
{
    struct arena arena = { 0 };
    struct text_list list = { 0 };
    static const char conf[] =
        "# comment\n/first  # more\n  /second/../2nd \nrelative\ninclude conf.d/*.conf\ninclude ld.so.conf\n/last\n";
    const char *path = fixture_write("ld.so.conf", conf, strlen(conf));
    fixture_write("conf.d/b.conf", "/b\n", 3);
    fixture_write("conf.d/a.conf", "/a", 2);
    fixture_write("conf.d/c.other", "/c\n", 3);
    ldconf_read(&arena, path, &list);
    CHECK(list.count >= 5 && list.count < 100);
    CHECK_STR(list.items[0], "/first");
    CHECK_STR(list.items[1], "/2nd");
    CHECK_STR(list.items[2], "/a");
    CHECK_STR(list.items[3], "/b");
    CHECK_STR(list.items[list.count - 1], "/last");
    arena_free(&arena);
}
