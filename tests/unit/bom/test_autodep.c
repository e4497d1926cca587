// SPDX-License-Identifier: BSD-3-Clause
// Libraries by caches and paths of our own making, so that this machine's do not matter.
#include <stdio.h>
#include <string.h>

#include "bom/autodep.h"
#include "fixture.h"
#include "test.h"

struct scene {
    struct arena arena;
    struct report report;
    struct plan plan;
    struct libraries libraries;
    struct dependents dependents;
};

static const char *put_elf(const char *name, struct elf_wish wish)
{
    u8 bytes[ELF_SIZE_MAX];
    size_t size = fixture_elf(&wish, bytes);
    return fixture_write(name, bytes, size);
}

// A cache that has libc.so.6 in the folder libc/ and libx.so.1 in the folder other/.
static const char *put_cache(void)
{
    u8 bytes[4096];
    struct cache_wish wishes[] = {
        { "libc.so.6",
          put_elf("libc/libc.so.6", (struct elf_wish){ .soname = "libc.so.6", .needed = { "ld-linux-x86-64.so.2" } }),
          0, 0 },
        { "libx.so.1",
          put_elf("other/libx.so.1", (struct elf_wish){ .soname = "libx.so.1", .needed = { "libc.so.6", "liby.so" } }),
          0, 0 },
        { "liby.so", put_elf("libc/liby.so", (struct elf_wish){ .needed = { "libx.so.1" } }), 0, 0 }
    };
    size_t size = fixture_cache(wishes, ARRAY_SIZE(wishes), false, bytes, sizeof(bytes));
    return fixture_write("ld.so.cache", bytes, size);
}

static void plan(struct scene *scene, const char *program, const char *to, bool strict,
                 const struct library_files *files)
{
    scene->report = fixture_report();
    scene->plan.arena = &scene->arena;
    scene->plan.report = &scene->report;
    libraries_open(&scene->libraries, &scene->arena, &scene->report, &scene->plan, files);
    ARENA_PUSH(&scene->arena, &scene->dependents,
               (struct dependent){
                   arena_copy(&scene->arena, program, strlen(program)), to, strict, { "b.yaml", 1, 1 }, "key" });
    autodep_plan(&scene->plan, &scene->libraries, &scene->dependents);
}

static const struct step *step(const struct scene *scene, const char *path) { return plan_find(&scene->plan, path); }

TEST(by_the_cache_with_a_link_where_the_linker_looks)
{
    struct scene scene = { 0 };
    const struct library_files files = { put_cache(), "/none", "/none", { 0 } };
    const char *linker = put_elf("ld-test.so", (struct elf_wish){ .soname = "ld-linux-x86-64.so.2" });
    const char *program =
        put_elf("program", (struct elf_wish){ .needed = { "libx.so.1", "libc.so.6" }, .interpreter = linker });
    plan(&scene, program, "/bin/program", true, &files);
    CHECK_STR(fixture_said(), "");
    CHECK(step(&scene, linker) && step(&scene, linker)->kind == STEP_FILE);
    CHECK(step(&scene, fixture_path("libc/libc.so.6")) && step(&scene, fixture_path("libc/liby.so")));
    CHECK(step(&scene, fixture_path("other/libx.so.1")));
    // other/ is no folder that the linker knows, libc/ is: libc.so.6 lies there.
    const struct step *link = step(&scene, fixture_path("libc/libx.so.1"));
    CHECK(link && link->kind == STEP_LINK);
    CHECK_STR(link->from, fixture_path("other/libx.so.1"));
    arena_free(&scene.arena);
}

TEST(no_default_folders_when_the_library_says_so)
{
    struct scene scene = { 0 };
    const struct library_files files = { put_cache(), "/none", "/none", { 0 } };
    plan(&scene, put_elf("nodeflib", (struct elf_wish){ .needed = { "libx.so.1" }, .flags_1 = 0x800 }), "/bin/p", true,
         &files);
    CHECK_EQ(scene.report.errors, 1);
    CHECK(strstr(fixture_said(), "b.yaml:1:1: key: ") && strstr(fixture_said(), "DF_1_NODEFLIB"));
    arena_free(&scene.arena);
}

TEST(without_a_cache_the_folders_of_ld_so_conf)
{
    struct scene scene = { 0 };
    put_cache();
    const char *folder = fixture_path("other\n");
    const struct library_files files = { "/none", fixture_write("conf", folder, strlen(folder)), "/none", { 0 } };
    plan(&scene, put_elf("program2", (struct elf_wish){ .needed = { "libx.so.1" } }), "/bin/p", false, &files);
    CHECK(step(&scene, fixture_path("other/libx.so.1")));
    CHECK_EQ(scene.report.errors, 0);
    CHECK_EQ(scene.report.warnings, 1); // liby.so, of a dependent that is not strict
    CHECK(strstr(fixture_said(), "liby.so"));
    arena_free(&scene.arena);
}

TEST(a_cache_that_is_none)
{
    struct scene scene = { 0 };
    const struct library_files files = { fixture_write("bad.cache", "nonsense", 8), "/none", "/none", { 0 } };
    plan(&scene, put_elf("program3", (struct elf_wish){ .needed = { "libnothing.so" } }), "/bin/p", true, &files);
    CHECK_EQ(scene.report.errors, 1);
    arena_free(&scene.arena);
}

TEST(musl_with_its_path_file)
{
    struct scene scene = { 0 };
    char text[512];
    snprintf(text, sizeof(text), "/none:%s\n", fixture_path("musl"));
    const struct library_files files = {
        "/none", "/none", fixture_write("ld-musl-x86_64.path", text, strlen(text)), { 0 }
    };
    put_elf("musl/libm1.so", (struct elf_wish){ .needed = { "libc.so", "libm2.so" } });
    put_elf("deep/libm2.so", (struct elf_wish){ .needed = { "libpthread.so.0" } });
    const char *linker = put_elf("lib/ld-musl-x86_64.so.1", (struct elf_wish){ .soname = "libc.so" });
    const char *program = put_elf(
        "musl-program",
        (struct elf_wish){ .needed = { "libm1.so", "libc.so" }, .runpath = "$ORIGIN/deep", .interpreter = linker });
    plan(&scene, program, "/opt/p", true, &files);
    CHECK_STR(fixture_said(), "");
    CHECK(step(&scene, linker) && step(&scene, fixture_path("musl/libm1.so")));
    // By the run path of the program that led to it, beside where the program comes to.
    CHECK(step(&scene, "/opt/deep/libm2.so"));
    // The folder is none of musl's own, so the file that names it comes along.
    CHECK(step(&scene, "/etc/ld-musl-x86_64.path"));
    arena_free(&scene.arena);
}

// As by LD_LIBRARY_PATH: behind DT_RPATH, before DT_RUNPATH; to where the linker looks inside.
TEST(folders_of_the_users_own)
{
    struct scene scene = { 0 };
    struct library_files files = { put_cache(), "/none", "/none", { 0 } };
    ARENA_PUSH(&scene.arena, &files.folders, fixture_path("mine"));
    put_elf("mine/libu1.so", (struct elf_wish){ .needed = { "libu2.so" } });
    put_elf("mine/libu2.so", (struct elf_wish){ .soname = "libu2.so" });
    put_elf("run/libu1.so", (struct elf_wish){ .soname = "libu1.so" });
    plan(&scene, put_elf("by-runpath", (struct elf_wish){ .needed = { "libu1.so" }, .runpath = "$ORIGIN/run" }),
         "/bin/p", true, &files);
    CHECK_STR(fixture_said(), "");
    const struct step *one = step(&scene, fixture_path("libc/libu1.so")),
                      *two = step(&scene, fixture_path("libc/libu2.so"));
    CHECK(one && two);
    CHECK_STR(one->from, fixture_path("mine/libu1.so"));
    CHECK(!step(&scene, "/bin/run/libu1.so"));
    arena_free(&scene.arena);
}

TEST(a_library_that_needs_itself_and_a_wrong_kind_of_file)
{
    struct scene scene = { 0 };
    const struct library_files files = { "/none", "/none", "/none", { 0 } };
    put_elf("rp/libself.so",
            (struct elf_wish){ .needed = { "libself.so", "libtext.so" }, .runpath = "$ORIGIN:$ORIGIN/second" });
    fixture_write("rp/libtext.so", "INPUT(libself.so)\n", 18); // a linker script, which ld.so passes over
    put_elf("rp/second/libtext.so", (struct elf_wish){ .soname = "libtext.so" });
    plan(&scene, fixture_path("rp/libself.so"), "/lib/libself.so", true, &files);
    CHECK_STR(fixture_said(), "");
    CHECK(step(&scene, "/lib/second/libtext.so") && !step(&scene, "/lib/libtext.so"));
    arena_free(&scene.arena);
}

TEST(run_paths_that_cannot_be_used)
{
    struct scene scene = { 0 };
    const struct library_files files = { "/none", "/none", "/none", { 0 } };
    put_elf("rp2/sub/libz1.so", (struct elf_wish){ .soname = "libz1.so" });
    const char *program =
        put_elf("rp2/program", (struct elf_wish){ .needed = { "libz1.so" },
                                                  .runpath = "relative::$PLATFORM/x:${ORIGIN:$ORIGIN/sub/" });
    plan(&scene, program, "/p", true, &files);
    CHECK_STR(fixture_said(), "");
    CHECK(step(&scene, "/sub/libz1.so"));
    arena_free(&scene.arena);
}
