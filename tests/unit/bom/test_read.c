// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bom/bom.h"
#include "fixture.h"
#include "test.h"

static const char whole[] =
    "includes: [a.yaml, 'b.yaml']\n"
    "excludes: [.git]\n"
    "targets:\n"
    "  - target: /opt\n"
    "    mkdirs: [x, y/z]\n"
    "    createlinks:\n"
    "      - {src: ../x, linkname: y}\n"
    "    copy:\n"
    "      - from: build\n"
    "        dirs: [conf, data/]\n"
    "        files:\n"
    "          - srv\n"
    "          - {name: lib.so, hash: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, autodep: "
    "false, rename: l.so}\n"
    "      - from: all/\n"
    "  - target: /\n";

static void read_text(struct arena *arena, struct report *report, const void *text, size_t size, struct bom *ret)
{
    char *copy = malloc(size ? size : 1); // so that ASan sees a byte too much
    memcpy(copy, text, size);
    bom_read(arena, report, "t.yaml", ".", copy, size, ret);
    free(copy);
}

TEST(everything_is_read)
{
    struct arena arena = { 0 };
    struct report report = fixture_report();
    struct bom bom;
    read_text(&arena, &report, whole, strlen(whole), &bom);
    CHECK_STR(fixture_said(), "");
    CHECK_EQ(report.errors, 0);
    CHECK_EQ(bom.includes.count, 2);
    CHECK_STR(bom.includes.items[1].text, "b.yaml");
    CHECK_STR(bom.includes.items[1].key, "includes[1]");
    CHECK_STR(bom.excludes.items[0].text, ".git");
    CHECK_EQ(bom.targets.count, 2);
    const struct bom_target *target = &bom.targets.items[0];
    CHECK_STR(target->target.text, "/opt");
    CHECK_EQ(target->mkdirs.count, 2);
    CHECK_STR(target->links.items[0].linkname.text, "y");
    CHECK_EQ(target->copies.count, 2);
    const struct bom_copy *copy = &target->copies.items[0];
    CHECK(!copy->whole && target->copies.items[1].whole);
    CHECK_STR(copy->dirs.items[1].text, "data/");
    CHECK_EQ(copy->files.count, 2);
    CHECK_STR(copy->files.items[0].name.text, "srv");
    CHECK(copy->files.items[0].autodep && !copy->files.items[0].hashed && !copy->files.items[0].rename.text);
    const struct bom_file *file = &copy->files.items[1];
    CHECK(!file->autodep && file->hashed && file->hash[1] == 0x11 && file->hash[31] == 0xff);
    CHECK_STR(file->rename.text, "l.so");
    CHECK_STR(file->name.key, "targets[0].copy[0].files[1].name");
    CHECK_EQ(file->name.place.line, 13);
    CHECK_EQ(file->name.place.column, 20);
    arena_free(&arena);
}

TEST(each_error_has_its_place)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "", "t.yaml: empty" },
        { "targets: 1", "t.yaml:1:10: targets: found \"1\"; it must be a list of targets" },
        { "targets: [1]", "t.yaml:1:11: targets[0]: found \"1\"; it must be a mapping" },
        { "[1]: 2", "t.yaml:1:1: found a list; it must be a key" },
        { "targets:\n- {target: /, copy: [{files: [{name: a, hash: [1]}]}]}",
          "t.yaml:2:47: targets[0].copy[0].files[0].hash: found a list" },
        { "targets:\n- {target: /, copy: [{files: [{nam: a}]}]}",
          "t.yaml:2:32: targets[0].copy[0].files[0]: unknown key \"nam\", did you mean name?" },
        { "targets:\n- {target: ~}", "t.yaml:2:12: targets[0].target: found nothing; it must be a text" },
        { "includes: [\"a\\0b\"]", "t.yaml:1:12: includes[0]: it holds a NUL character" },
        { "a: b: c", "t.yaml:1:5: not YAML: " },
        { "a: *nothing", "t.yaml:1:4: not YAML: " },
        { "\xff", "t.yaml: not YAML: " },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        struct report report = fixture_report();
        struct bom bom;
        read_text(&arena, &report, cases[i].text, strlen(cases[i].text), &bom);
        if (strncmp(fixture_said(), cases[i].said, strlen(cases[i].said)) != 0)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, fixture_said());
        arena_free(&arena);
    }
}

TEST(a_long_name_and_a_name_of_control_characters)
{
    static char text[20000] = "targets: [{target: \"";
    struct arena arena = { 0 };
    struct report report = fixture_report();
    struct bom bom;
    memset(text + 20, 'x', 10000);
    strcat(text, "\"}, {target: a, \"mk\\edirs\": 1}]");
    read_text(&arena, &report, text, strlen(text), &bom);
    CHECK(strstr(fixture_said(), "longer than a path may be"));
    CHECK(strstr(fixture_said(), "\"mk?dirs\", did you mean mkdirs?"));
    CHECK_EQ(report.errors, 2);
    arena_free(&arena);
}

TEST(an_alias_that_holds_itself)
{
    static const char text[] = "targets: &t\n  - target: /\n    mkdirs: *t\n    copy: &c [{files: *c}]\n";
    struct arena arena = { 0 };
    struct report report = fixture_report();
    struct bom bom;
    read_text(&arena, &report, text, strlen(text), &bom);
    CHECK(report.errors > 0 && report.errors < 20);
    arena_free(&arena);
}

TEST(cut_at_every_byte)
{
    struct report report = fixture_report();
    for (size_t cut = 0; cut < strlen(whole); cut++) {
        struct arena arena = { 0 };
        struct bom bom;
        read_text(&arena, &report, whole, cut, &bom);
        arena_free(&arena);
    }
    CHECK(report.errors > 100);
}

TEST(damaged_texts_do_not_crash)
{
    static const char letters[] = "[]{}:,-&*!|>'\"%@`#?~ \n\t\\xA0$";
    unsigned good = 0;
    for (unsigned round = 0; round < 5000; round++) {
        struct arena arena = { 0 };
        struct report report = fixture_report();
        struct bom bom;
        char text[sizeof(whole)];
        memcpy(text, whole, sizeof(text));
        for (u64 n = test_random() % 5; n < 5; n++)
            text[test_random() % (sizeof(text) - 1)] =
                test_random() % 8 ? letters[test_random() % (sizeof(letters) - 1)] : (char)test_random();
        read_text(&arena, &report, text, sizeof(text) - 1, &bom);
        good += report.errors == 0;
        arena_free(&arena);
    }
    CHECK(good > 50 && good < 4500);
}
