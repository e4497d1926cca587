// SPDX-License-Identifier: BSD-3-Clause
// Walking in a root: nothing leads out of it.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bom/root.h"
#include "fixture.h"
#include "test.h"

static int root;

static void make_tree(void)
{
    if (root > 0)
        return;
    fixture_write("root/a/b/file", "x", 1);
    fixture_write("outside/secret", "x", 1);
    root = open(fixture_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)!symlinkat("/a/b", root, "absolute");
    (void)!symlinkat("../../../a/b", root, "climbing");
    (void)!symlinkat(fixture_path("outside"), root, "far");
    (void)!symlinkat("../outside", root, "beside");
    (void)!symlinkat("loop2", root, "loop1");
    (void)!symlinkat("loop1", root, "loop2");
    (void)!symlinkat("a/./b/../b/", root, "winding");
    (void)!symlinkat("absolute/../..", root, "self");
}

// The real path that a walk comes to, below the root; or "-errno".
static const char *walk(const char *path, bool make)
{
    static char text[64], real[PATH_MAX];
    make_tree();
    int fd = root_open(root, path, make);
    if (fd < 0) {
        snprintf(text, sizeof(text), "%d", fd);
        return text;
    }
    snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(text, real, sizeof(real) - 1);
    close(fd);
    real[n > 0 ? n : 0] = '\0';
    size_t length = strlen(fixture_path("root"));
    return strncmp(real, fixture_path("root"), length) == 0 ? real + length : "outside!";
}

TEST(links_stay_within)
{
    CHECK_STR(walk("/", false), "");
    CHECK_STR(walk("/a/b", false), "/a/b");
    CHECK_STR(walk("//a/./b/..", false), "/a");
    CHECK_STR(walk("/absolute", false), "/a/b");
    CHECK_STR(walk("/climbing", false), "/a/b");
    CHECK_STR(walk("/winding", false), "/a/b");
    CHECK_STR(walk("/self/self/self/a", false), "/a");
    CHECK_STR(walk("/../../..", false), "");
    CHECK_STR(walk("/../a", false), "/a");
}

TEST(what_cannot_be_walked)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", -ENOENT);
    CHECK_STR(walk("/far", false), number);
    CHECK_STR(walk("/beside", false), number);
    CHECK_STR(walk("/a/none/x", false), number);
    snprintf(number, sizeof(number), "%d", -ELOOP);
    CHECK_STR(walk("/loop1", false), number);
    snprintf(number, sizeof(number), "%d", -ENOTDIR);
    CHECK_STR(walk("/a/b/file", false), number);
    CHECK_STR(walk("/a/b/file/x", true), number);
    CHECK_EQ(root_open(-1, "/", false), -ENOENT);
    char deep[2 * 300 + 2] = "";
    for (unsigned i = 0; i < 300; i++)
        strcat(deep, "/d");
    snprintf(number, sizeof(number), "%d", -ENAMETOOLONG);
    CHECK_STR(walk(deep, true), number);
}

TEST(folders_are_made_within)
{
    char expected[PATH_MAX];
    CHECK_STR(walk("/a/new/er", true), "/a/new/er");
    CHECK_STR(walk("/beside/x", true), "/outside/x");
    snprintf(expected, sizeof(expected), "%s/y", fixture_path("outside"));
    CHECK_STR(walk("/far/y", true), expected);
    CHECK(access(fixture_path("outside/x"), F_OK) != 0 && access(fixture_path("outside/y"), F_OK) != 0);
}

TEST(the_parent_and_the_name)
{
    const char *name;
    struct stat status;
    make_tree();
    int fd = root_open_parent(root, "/absolute/file", false, &name);
    CHECK(fd >= 0);
    CHECK_STR(name, "file");
    CHECK_EQ(fstatat(fd, name, &status, 0), 0);
    close(fd);
    fd = root_open_parent(root, "/loop1", false, &name); // the last component is not looked at
    CHECK(fd >= 0);
    close(fd);
}

TEST(no_descriptor_stays_open)
{
    make_tree();
    int before = dup(root), after;
    close(before);
    for (unsigned i = 0; i < 100; i++) {
        walk("/a/b", false);
        walk("/absolute/../../self", false);
        walk("/loop1", false);
        walk("/a/b/file", false);
        walk("/a/none", false);
    }
    after = dup(root);
    close(after);
    CHECK_EQ(before, after);
}
