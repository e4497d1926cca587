// SPDX-License-Identifier: BSD-3-Clause
// Paths, exclude patterns, variables, the table.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bom/bom.h"
#include "bom/paths.h"
#include "bom/pattern.h"
#include "fixture.h"
#include "test.h"

TEST(paths)
{
    struct arena arena = { 0 };
    CHECK_STR(path_normalize(&arena, "a//b/./c/../d/"), "/a/b/d");
    CHECK_STR(path_normalize(&arena, "/../../x"), "/x");
    CHECK_STR(path_normalize(&arena, ""), "/");
    CHECK_STR(path_normalize(&arena, "/a/.."), "/");
    CHECK_STR(path_normalize(&arena, "/..a/b.."), "/..a/b..");
    CHECK_STR(path_parent(&arena, "/a/b/"), "/a");
    CHECK_STR(path_parent(&arena, "/a"), "/");
    CHECK_STR(path_parent(&arena, "a"), ".");
    CHECK_STR(path_parent(&arena, "a//b"), "a");
    CHECK_STR(path_parent(&arena, "/"), "/");
    CHECK_STR(path_name(&arena, "/a/b//"), "b");
    CHECK_STR(path_name(&arena, "/"), "");
    CHECK_STR(path_join(&arena, "a", "b"), "a/b");
    CHECK_STR(path_join(&arena, "a/", "b"), "a/b");
    CHECK_STR(path_join(&arena, "a", "/b"), "/b");
    CHECK_STR(path_join(&arena, "", "b"), "b");
    CHECK(path_climbs("..") && path_climbs("a/..") && path_climbs("../a") && path_climbs("a/../b") &&
          !path_climbs("a/...") && !path_climbs("..a/b"));
    arena_free(&arena);
}

TEST(patterns)
{
    static const struct {
        const char *pattern, *path;
        bool is_folder, excluded;
    } cases[] = {
        { ".git", ".git", true, true },      { ".git", "a/.git", true, true },
        { ".git", "a/.gitx", false, false }, { ".git", ".git/x", false, false },
        { "*.o", "a/b/c.o", false, true },   { "*.o", "c.oo", false, false },
        { "?.o", "a.o", false, true },       { "?.o", "ab.o", false, false },
        { "build/", "x/build", true, true }, { "build/", "x/build", false, false },
        { "/a", "a", false, true },          { "/a", "b/a", false, false },
        { "a/b", "x/a/b", false, true },     { "a/b", "a/b", false, true },
        { "a/b", "xa/b", false, false },     { "a/*", "x/a/y", false, true },
        { "/a/*", "a/b/c", false, false },   { "/a/**", "a/b/c", false, true },
        { "**/c", "a/b/c", false, true },    { "a**c", "a/b/c", false, true },
        { "**/c", "c", false, true },        { "[a-c]x", "bx", false, true },
        { "[!a-c]x", "bx", false, false },   { "[!a-c]x", "dx", false, true },
        { "[]x]", "]", false, true },        { "[x", "[x", false, true },
        { "\\*", "*", false, true },         { "\\*", "a", false, false },
        { "\\?a", "?a", false, true },       { "a\\", "a\\", false, true },
        { "d/***", "d", true, true },        { "d/***", "d", false, false },
        { "", "a", false, false },           { "/", "a", true, false },
        { "*", "a", false, true },           { "***", "a/b", false, true },
        { "[a/]x", "/x", false, false },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (pattern_excludes(cases[i].pattern, cases[i].path, cases[i].is_folder) != cases[i].excluded)
            test_fail(__FILE__, __LINE__, "\"%s\" on \"%s\"", cases[i].pattern, cases[i].path);
}

TEST(a_pattern_of_many_stars_ends)
{
    char path[4000];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    CHECK(!pattern_excludes("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path, false));
}

TEST(random_patterns_do_not_crash)
{
    static const char letters[] = "ab/*?[]-!\\.";
    for (unsigned round = 0; round < 100000; round++) {
        size_t length = test_random() % 12, path_length = test_random() % 12;
        char *pattern = malloc(length + 1), *path = malloc(path_length + 1);
        for (size_t i = 0; i < length; i++)
            pattern[i] = letters[test_random() % (sizeof(letters) - 1)];
        for (size_t i = 0; i < path_length; i++)
            path[i] = letters[test_random() % 3];
        pattern[length] = path[path_length] = '\0';
        pattern_excludes(pattern, path, round % 2);
        free(pattern);
        free(path);
    }
}

static const char *expand(struct arena *arena, struct report *report, const char *text)
{
    struct bom_text where = { .text = text, .key = "key" };
    return bom_expand(arena, report, &where, "/bom", text);
}

TEST(variables)
{
    struct arena arena = { 0 };
    struct report report = fixture_report();
    setenv("BOM_ONE", "1", 1);
    setenv("BOM_EMPTY", "", 1);
    unsetenv("BOM_NONE");
    CHECK_STR(expand(&arena, &report, "plain"), "plain");
    CHECK_STR(expand(&arena, &report, "$BOM_ONE"), "1");
    CHECK_STR(expand(&arena, &report, "a${BOM_ONE}b$BOM_ONE/c"), "a1b1/c");
    CHECK_STR(expand(&arena, &report, "$BOM_EMPTY"), "");
    CHECK_STR(expand(&arena, &report, "$$BOM_ONE$"), "$BOM_ONE$");
    CHECK_STR(expand(&arena, &report, "$1$/"), "$1$/");
    CHECK_STR(expand(&arena, &report, "$OCCLUM_BOM_DIR/x"), "/bom/x");
    CHECK_EQ(report.errors, 0);
    CHECK(!expand(&arena, &report, "$BOM_NONE and ${BOM_ONEX}"));
    CHECK_EQ(report.errors, 2);
    CHECK(strstr(fixture_said(), "did you mean BOM_ONE?"));
    CHECK(!expand(&arena, &report, "${BOM_ONE"));
    CHECK(!expand(&arena, &report, "${}"));
    CHECK(!expand(&arena, &report, "${1}"));
    CHECK(!expand(&arena, &report, "${"));
    CHECK_EQ(report.errors, 6);
    arena_free(&arena);
}

TEST(a_table_of_many)
{
    struct arena arena = { 0 };
    struct table table = { 0 };
    CHECK(!table_get(&table, "none"));
    for (uintptr_t i = 1; i <= 5000; i++)
        table_put(&arena, &table, arena_format(&arena, "key %zu", (size_t)i), (void *)i);
    for (uintptr_t i = 1; i <= 5000; i++)
        CHECK_EQ(table_get(&table, arena_format(&arena, "key %zu", (size_t)i)), i);
    CHECK(!table_get(&table, "key 5001"));
    arena_free(&arena);
}

TEST(levels)
{
    enum report_level level;
    CHECK(report_parse_level(NULL, &level) && level == REPORT_WARN);
    CHECK(report_parse_level("", &level) && level == REPORT_WARN);
    CHECK(report_parse_level("TRACE", &level) && level == REPORT_TRACE);
    CHECK(report_parse_level("fatal", &level) && level == REPORT_ERROR);
    CHECK(!report_parse_level("loud", &level) && level == REPORT_WARN);
}
