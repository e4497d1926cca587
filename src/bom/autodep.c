// SPDX-License-Identifier: BSD-3-Clause
#include "bom/autodep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bom/paths.h"

// What one program loads.
struct closure {
    struct plan *plan;
    struct libraries *libraries;
    const struct dependent *root;
    bool musl;
    struct loaded_list {
        struct loaded **items;
        size_t count, room;
    } loaded; // in the order of loading
};

static void __printf_like(2, 3) complain(const struct closure *closure, const char *format, ...)
{
    char message[2 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    const struct dependent *root = closure->root;
    if (root->strict)
        report_error(closure->plan->report, root->place, "%s: %s", root->key, message);
    else
        report_warning(closure->plan->report, root->place, "%s: %s", root->key, message);
}

static void add_step(const struct closure *closure, struct step step)
{
    step.rank = RANK_DEPENDENCY;
    step.place = closure->root->place;
    step.key = closure->root->key;
    plan_add(closure->plan, &step);
}

static void add_file(const struct closure *closure, const char *from, const char *to)
{
    struct step step = { .kind = STEP_FILE, .from = from, .to = to };
    if (stat(from, &step.status) == 0 && access(from, R_OK) == 0)
        add_step(closure, step);
    else
        complain(closure, "%s cannot be read: %s", from, strerror(errno));
}

static struct loaded *load(struct closure *closure, const struct loaded *needed_by, const char *name, const char *from,
                           const char *to)
{
    struct arena *arena = closure->plan->arena;
    struct loaded *loaded = arena_alloc(arena, sizeof(*loaded));
    *loaded = (struct loaded){ libraries_object(closure->libraries, from), from, to, name, needed_by };
    ARENA_PUSH(arena, &closure->loaded, loaded);
    return loaded;
}

static bool is_loaded(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->loaded.count; i++) {
        const struct loaded *loaded = closure->loaded.items[i];
        const char *soname = loaded->object->needs.soname;
        if ((loaded->name && strcmp(loaded->name, name) == 0) || (soname && strcmp(soname, name) == 0))
            return true;
    }
    return false;
}

// The linker itself, which a library may name but which is there before it. musl's is its libc, under whatever name the
// parts of libc once had.
static bool is_linker(const char *name, bool musl)
{
    static const char *const parts[] = { "libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet." };
    for (size_t i = 0; musl && i < ARRAY_SIZE(parts); i++)
        if (strncmp(name, parts[i], strlen(parts[i])) == 0)
            return true;
    return !musl && strcmp(name, "ld-linux-x86-64.so.2") == 0;
}

// glibc's linker of the image has no cache: what this machine finds by its cache outside the default folders gets a
// link in one.
static void make_findable(struct closure *closure, const struct found *found, const char *name)
{
    struct arena *arena = closure->plan->arena;
    const char *folder = path_parent(arena, found->to);
    if (found->by == FOUND_BY_MUSL_PATH && closure->libraries->has_musl_path)
        add_file(closure, closure->libraries->files.musl_path, "/etc/ld-musl-x86_64.path");
    if (found->by == FOUND_BY_CACHE || found->by == FOUND_BY_DEFAULT)
        if (!libraries_is_default_folder(closure->libraries, folder))
            add_step(closure, (struct step){ .kind = STEP_LINK,
                                             .from = found->to,
                                             .to = path_join(arena, closure->libraries->libc_folder, name) });
}

// Is a file of this name in the plan, though not where the linker would look? Then a program may load it by its path.
static const char *copied_somewhere(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        const char *slash = strrchr(plan->items[i]->to, '/');
        if (plan->items[i]->kind != STEP_FOLDER && strcmp(slash + 1, name) == 0)
            return plan->items[i]->to;
    }
    return NULL;
}

static void missing(struct closure *closure, const struct loaded *by, const char *name)
{
    struct arena *arena = closure->plan->arena;
    const char *chain = "";
    for (const struct loaded *above = by->needed_by; above; above = above->needed_by)
        chain = arena_format(arena, "%s, which %s needs", chain, above->from);
    const char *elsewhere = copied_somewhere(closure->plan, name), *hint = "";
    if (!closure->root->strict && elsewhere) {
        report_note(closure->plan->report, REPORT_DEBUG,
                    "%s needs %s, which is copied to %s, where it is not searched for", by->from, name, elsewhere);
        return;
    }
    if (elsewhere)
        hint = arena_format(arena, "; it is copied to %s, where the program will not look", elsewhere);
    complain(closure, "%s%s%s needs the library %s, which is not found: searched %s%s%s", by->from, chain,
             *chain ? "," : "", name, libraries_places(closure->libraries, by, name, closure->musl), hint,
             closure->root->strict ? " (autodep: false leaves libraries to you)" : "");
}

static void add_library(struct closure *closure, const struct loaded *by, const char *name)
{
    struct found found;
    if (is_loaded(closure, name) || is_linker(name, closure->musl))
        return;
    libraries_find(closure->libraries, by, name, closure->musl, &found);
    if (found.by == FOUND_NOWHERE) {
        missing(closure, by, name);
        return;
    }
    report_note(closure->plan->report, REPORT_DEBUG, "%s needs %s: %s", by->from, name, found.from);
    add_file(closure, found.from, found.to);
    make_findable(closure, &found, name);
    load(closure, by, name, found.from, found.to);
}

static void add_interpreter(struct closure *closure, const char *path)
{
    const char *to = path_normalize(closure->plan->arena, path);
    const struct step *step = plan_find_file(closure->plan, to);
    const char *from = step ? step->from : path;
    if (*path != '/') {
        complain(closure, "%s: its interpreter %s is a relative path", closure->root->from, path);
        return;
    }
    if (access(from, F_OK) != 0) {
        complain(closure, "%s: its interpreter (the dynamic linker) %s is not on this machine", closure->root->from,
                 path);
        return;
    }
    report_note(closure->plan->report, REPORT_DEBUG, "%s needs its interpreter %s", closure->root->from, from);
    add_file(closure, from, to);
}

static void plan_one(struct closure *closure)
{
    const struct dependent *root = closure->root;
    const struct elf_object *object = libraries_object(closure->libraries, root->from);
    if (object->kind == ELF_BROKEN)
        complain(closure, "%s is no whole ELF file: %s", root->from, object->why);
    else if (object->kind == ELF_FOREIGN && root->strict)
        report_warning(closure->plan->report, root->place, "%s: no libraries are looked for: %s is an ELF file, but %s",
                       root->key, root->from, object->why);
    if (object->kind != ELF_X86_64)
        return;
    // $ORIGIN of a program is where it really lies, of a library where it is named.
    char *real = realpath(root->from, NULL);
    const char *from = real ? arena_copy(closure->plan->arena, real, strlen(real)) : root->from;
    free(real);
    closure->musl = libraries_is_musl(&object->needs);
    load(closure, NULL, NULL, from, root->to);
    if (object->needs.interpreter)
        add_interpreter(closure, object->needs.interpreter);
    for (size_t i = 0; i < closure->loaded.count; i++) {
        const struct loaded *by = closure->loaded.items[i];
        for (size_t n = 0; n < by->object->needs.needed.count; n++)
            add_library(closure, by, by->object->needs.needed.items[n]);
    }
}

void autodep_plan(struct plan *plan, struct libraries *libraries, const struct dependents *dependents)
{
    for (size_t i = 0; i < dependents->count; i++) {
        struct closure closure = { .plan = plan, .libraries = libraries, .root = &dependents->items[i] };
        plan_one(&closure);
    }
}
