// SPDX-License-Identifier: BSD-3-Clause
// Faults that were found, each as the shortest program that shows it.
#include "base/string.h"
#include "programs.h"

static user_addr map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    USER_CHECK(at > 0);
    return (user_addr)at;
}

static long mkdir(const char *path) { return os_call(__NR_mkdir, user_string(path), 0755); }
static long rmdir(const char *path) { return os_call(__NR_rmdir, user_string(path)); }
static long chdir(const char *path) { return os_call(__NR_chdir, user_string(path)); }
static long open(const char *path, u64 flags) { return os_call(__NR_openat, AT_FDCWD, user_string(path), flags, 0644); }

// A removed folder's ".." was a pointer without a reference.
static void parent_of_removed(void)
{
    USER_CHECK_EQ(mkdir("/tmp/a"), 0);
    USER_CHECK_EQ(mkdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(chdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(rmdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(rmdir("/tmp/a"), 0);
    long fd = open("..", O_RDONLY | O_DIRECTORY);
    USER_CHECK(fd >= 0);
    USER_CHECK_EQ(os_call(__NR_close, fd), 0);
    USER_CHECK_EQ(open("../x", O_CREAT | O_RDWR), -ENOENT);
    USER_CHECK_EQ(chdir("/"), 0);
}

// The same by rename, which removes what it replaces.
static void parent_of_replaced(void)
{
    USER_CHECK_EQ(mkdir("/tmp/a"), 0);
    USER_CHECK_EQ(mkdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(mkdir("/tmp/c"), 0);
    USER_CHECK_EQ(chdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(os_call(__NR_rename, user_string("/tmp/c"), user_string("/tmp/a/b")), 0);
    USER_CHECK_EQ(rmdir("/tmp/a/b"), 0);
    USER_CHECK_EQ(rmdir("/tmp/a"), 0);
    long fd = open("..", O_RDONLY | O_DIRECTORY);
    USER_CHECK(fd >= 0);
    USER_CHECK_EQ(os_call(__NR_close, fd), 0);
    USER_CHECK_EQ(chdir("/"), 0);
}

// Thousands of removed folders, each holding the one above: freeing the last must not recurse.
static void deep_removed(void)
{
    enum { DEPTH = 4000, DEEPEST = 100 };

    for (int i = 0; i < DEPTH; i++) {
        user_scratch_reset();
        USER_CHECK_EQ(mkdir("d"), 0);
        USER_CHECK_EQ(chdir("d"), 0);
    }
    USER_CHECK_EQ(os_call(__NR_dup2, open(".", O_PATH), DEEPEST), DEEPEST);
    for (int i = 0; i < DEPTH; i++) {
        user_scratch_reset();
        USER_CHECK_EQ(chdir(".."), 0);
        USER_CHECK_EQ(rmdir("d"), 0);
    }
    USER_CHECK_EQ(os_call(__NR_close_range, 3, 1000, 0), 0);
}

int program_regress(int argc, char **argv)
{
    static void (*const cases[])(void) = { parent_of_removed, parent_of_replaced, deep_removed };

    user_scratch_set(map(KIB(64)), KIB(64));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        user_scratch_reset();
        cases[i]();
    }
    return 0;
}
