// SPDX-License-Identifier: BSD-3-Clause
#include "bom/libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bom/paths.h"

// The folders built into the linkers of the common distributions.
static const char *const glibc_defaults[] = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"
};
static const char *const musl_defaults[] = { "/lib", "/usr/local/lib", "/usr/lib" };
enum { CACHE_SIZE_MAX = 64 << 20, MUSL_PATH_SIZE_MAX = 64 << 10 };

// The contents of a small system file, in the arena; NULL: it is not there, or not readable.
static u8 *read_file(struct arena *arena, const char *path, size_t most, size_t *ret_size)
{
    struct stat status;
    u8 *bytes = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (u64)status.st_size <= most) {
        bytes = arena_alloc(arena, (size_t)status.st_size + 1);
        ssize_t n = 1;
        while (n > 0 && size < (size_t)status.st_size) {
            n = read(fd, bytes + size, (size_t)status.st_size - size);
            size += n > 0 ? (size_t)n : 0;
        }
    }
    if (fd >= 0)
        close(fd);
    *ret_size = size;
    return bytes;
}

static void open_glibc(struct libraries *libraries)
{
    size_t size;
    const u8 *bytes = read_file(libraries->arena, libraries->files.cache, CACHE_SIZE_MAX, &size);
    if (!bytes || ldcache_open(bytes, size, &libraries->cache) != 0) {
        report_note(libraries->report, REPORT_INFO, "%s: %s; the folders of %s are searched instead",
                    libraries->files.cache, bytes ? "not a cache that is known here" : "not there",
                    libraries->files.conf);
        ldconf_read(libraries->arena, libraries->files.conf, &libraries->glibc_folders);
    }
    for (size_t i = 0; i < ARRAY_SIZE(glibc_defaults); i++)
        ARENA_PUSH(libraries->arena, &libraries->glibc_folders, glibc_defaults[i]);
    const char *libc = ldcache_find(&libraries->cache, "libc.so.6", 0);
    libraries->libc_folder = libc ? path_parent(libraries->arena, libc) : glibc_defaults[0];
    for (size_t i = 0; !libc && i < ARRAY_SIZE(glibc_defaults); i++)
        if (access(path_join(libraries->arena, glibc_defaults[i], "libc.so.6"), F_OK) == 0)
            libc = libraries->libc_folder = glibc_defaults[i];
}

static void open_musl(struct libraries *libraries)
{
    size_t size;
    char *text = (char *)read_file(libraries->arena, libraries->files.musl_path, MUSL_PATH_SIZE_MAX, &size);
    libraries->has_musl_path = text != NULL;
    for (char *at = text, *folder; at && (folder = strsep(&at, ":\n")) != NULL;)
        if (*folder == '/')
            ARENA_PUSH(libraries->arena, &libraries->musl_folders, path_normalize(libraries->arena, folder));
    for (size_t i = 0; !text && i < ARRAY_SIZE(musl_defaults); i++)
        ARENA_PUSH(libraries->arena, &libraries->musl_folders, musl_defaults[i]);
}

void libraries_open(struct libraries *libraries, struct arena *arena, struct report *report, const struct plan *plan,
                    const struct library_files *files)
{
    *libraries = (struct libraries){ .arena = arena, .report = report, .plan = plan, .files = *files };
    open_glibc(libraries);
    open_musl(libraries);
}

const struct elf_object *libraries_object(struct libraries *libraries, const char *path)
{
    struct elf_object *object = table_get(&libraries->objects, path);
    if (object)
        return object;
    object = arena_alloc(libraries->arena, sizeof(*object));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // not to wait for the writer of a FIFO
    if (fd >= 0) {
        object->kind = elf_needs_read(libraries->arena, fd, &object->needs, &object->why);
        close(fd);
    }
    table_put(libraries->arena, &libraries->objects, path, object);
    return object;
}

// Takes folder/name if it is a library: one that the plan puts there, or else the one of this machine.
static bool try_folder(struct libraries *libraries, const char *from, const char *to, const char *name,
                       enum found_by by, struct found *ret)
{
    const char *place = path_normalize(libraries->arena, path_join(libraries->arena, to, name));
    const struct step *step = plan_find_file(libraries->plan, place);
    const char *file = step ? path_absolute(libraries->arena, step->from) : path_join(libraries->arena, from, name);
    const struct elf_object *object = libraries_object(libraries, file);
    report_note(libraries->report, REPORT_TRACE, "  %s: %s", file,
                object->kind == ELF_X86_64 && object->needs.is_library ? "taken" : "no");
    if (object->kind != ELF_X86_64 || !object->needs.is_library)
        return false;
    *ret = (struct found){ .by = by, .from = file, .to = place };
    return true;
}

bool libraries_is_musl(const struct elf_needs *needs)
{
    if (needs->interpreter)
        return strstr(needs->interpreter, "/ld-musl-") != NULL;
    for (size_t i = 0; i < needs->needed.count; i++)
        if (strcmp(needs->needed.items[i], "libc.so") == 0 || strncmp(needs->needed.items[i], "libc.musl-", 10) == 0)
            return true;
    return false;
}

static bool is_glibc(const struct elf_needs *needs)
{
    for (size_t i = 0; i < needs->needed.count; i++)
        if (strcmp(needs->needed.items[i], "libc.so.6") == 0)
            return true;
    return false;
}

// Takes what the BOM itself puts into a folder where the linker looks in any case, though this machine may have the
// library elsewhere.
static bool try_own(struct libraries *libraries, const char *const *folders, size_t count, const char *name, bool musl,
                    struct found *ret)
{
    for (size_t i = 0; i < count; i++) {
        const char *place = path_join(libraries->arena, folders[i], name);
        const struct step *step = plan_find_file(libraries->plan, place);
        if (!step || step->rank != RANK_BOM)
            continue;
        const char *file = path_absolute(libraries->arena, step->from);
        const struct elf_object *object = libraries_object(libraries, file);
        if (object->kind != ELF_X86_64 || !object->needs.is_library ||
            (musl ? is_glibc(&object->needs) : libraries_is_musl(&object->needs)))
            continue;
        *ret = (struct found){ .by = musl ? FOUND_BY_PATH : FOUND_BY_DEFAULT, .from = file, .to = place };
        return true;
    }
    return false;
}

// What lies in a folder of the user's own comes to a folder where the linker looks in any case: inside nobody sets
// LD_LIBRARY_PATH.
static bool try_users(struct libraries *libraries, const char *to, const char *name, enum found_by by,
                      struct found *ret)
{
    for (size_t i = 0; i < libraries->files.folders.count; i++)
        if (try_folder(libraries, libraries->files.folders.items[i], to, name, by, ret))
            return true;
    return false;
}

// Replaces $ORIGIN and $LIB in one folder of a run path. NULL: not usable (relative, or another variable).
static const char *expand_folder(struct arena *arena, const char *folder, size_t length, const char *origin)
{
    static const struct {
        const char *token, *value;
    } tokens[] = { { "${ORIGIN}", NULL },
                   { "$ORIGIN", NULL },
                   { "${LIB}", "lib/x86_64-linux-gnu" },
                   { "$LIB", "lib/x86_64-linux-gnu" } };
    const char *result = "";
    for (size_t i = 0; i < length;) {
        size_t plain = strcspn(folder + i, "$"), token = ARRAY_SIZE(tokens);
        plain = MIN(plain, length - i);
        result = arena_format(arena, "%s%.*s", result, (int)plain, folder + i);
        i += plain;
        for (size_t t = 0; i < length && t < ARRAY_SIZE(tokens); t++)
            if (strncmp(folder + i, tokens[t].token, strlen(tokens[t].token)) == 0) {
                token = t;
                break;
            }
        if (i < length && token == ARRAY_SIZE(tokens))
            return NULL;
        if (i < length) {
            result = arena_format(arena, "%s%s", result, tokens[token].value ? tokens[token].value : origin);
            i += strlen(tokens[token].token);
        }
    }
    return *result == '/' ? result : NULL;
}

// $ORIGIN differs between this machine and the root, so each folder is two.
static bool try_run_path(struct libraries *libraries, const struct loaded *of, const char *run_path, const char *name,
                         struct found *ret)
{
    struct arena *arena = libraries->arena;
    const char *origin_from = path_parent(arena, of->from), *origin_to = path_parent(arena, of->to);
    for (const char *folder = run_path; folder && *folder;) {
        size_t length = strcspn(folder, ":");
        const char *from = expand_folder(arena, folder, length, origin_from),
                   *to = expand_folder(arena, folder, length, origin_to);
        if (!from && length)
            report_note(libraries->report, REPORT_DEBUG, "%s: the folder %.*s of its run path is not looked into",
                        of->from, (int)length, folder);
        if (from && to && try_folder(libraries, from, to, name, FOUND_BY_RUN_PATH, ret))
            return true;
        folder += length + (folder[length] == ':');
    }
    return false;
}

static bool find_by_glibc(struct libraries *libraries, const struct loaded *by, const char *name, struct found *ret)
{
    // DT_RPATH of the library and all that led to it, but not where DT_RUNPATH is.
    if (!by->object->needs.runpath)
        for (const struct loaded *of = by; of; of = of->needed_by)
            if (!of->object->needs.runpath && try_run_path(libraries, of, of->object->needs.rpath, name, ret))
                return true;
    if (try_users(libraries, libraries->libc_folder, name, FOUND_BY_PATH, ret) ||
        try_run_path(libraries, by, by->object->needs.runpath, name, ret))
        return true;
    if (by->object->needs.no_default)
        return false;
    if (try_own(libraries, glibc_defaults, ARRAY_SIZE(glibc_defaults), name, false, ret))
        return true;
    const char *path;
    for (size_t i = 0; (path = ldcache_find(&libraries->cache, name, i)) != NULL; i++) {
        const char *folder = path_parent(libraries->arena, path);
        if (strcmp(path_name(libraries->arena, path), name) == 0 &&
            try_folder(libraries, folder, folder, name, FOUND_BY_CACHE, ret))
            return true;
    }
    for (size_t i = 0; i < libraries->glibc_folders.count; i++) {
        const char *folder = libraries->glibc_folders.items[i];
        if (try_folder(libraries, folder, folder, name, FOUND_BY_DEFAULT, ret))
            return true;
    }
    return false;
}

static bool find_by_musl(struct libraries *libraries, const struct loaded *by, const char *name, struct found *ret)
{
    if (libraries->musl_folders.count &&
        try_users(libraries, libraries->musl_folders.items[0], name, FOUND_BY_MUSL_PATH, ret))
        return true;
    for (const struct loaded *of = by; of; of = of->needed_by) {
        const struct elf_needs *needs = &of->object->needs;
        if (try_run_path(libraries, of, needs->runpath ? needs->runpath : needs->rpath, name, ret))
            return true;
    }
    if (try_own(libraries, musl_defaults, ARRAY_SIZE(musl_defaults), name, true, ret))
        return true;
    for (size_t i = 0; i < libraries->musl_folders.count; i++) {
        const char *folder = libraries->musl_folders.items[i];
        if (try_folder(libraries, folder, folder, name, FOUND_BY_MUSL_PATH, ret))
            return true;
    }
    return false;
}

void libraries_find(struct libraries *libraries, const struct loaded *by, const char *name, bool musl,
                    struct found *ret)
{
    *ret = (struct found){ FOUND_NOWHERE, NULL, NULL };
    report_note(libraries->report, REPORT_TRACE, "%s needs %s", by->from, name);
    if (strchr(name, '/')) {
        struct arena *arena = libraries->arena;
        const char *from = expand_folder(arena, name, strlen(name), path_parent(arena, by->from));
        const char *to = expand_folder(arena, name, strlen(name), path_parent(arena, by->to));
        if (from && to)
            try_folder(libraries, path_parent(arena, from), path_parent(arena, to), path_name(arena, from),
                       FOUND_BY_PATH, ret);
        return;
    }
    if (musl)
        find_by_musl(libraries, by, name, ret);
    else
        find_by_glibc(libraries, by, name, ret);
}

const char *libraries_places(struct libraries *libraries, const struct loaded *by, const char *name, bool musl)
{
    struct arena *arena = libraries->arena;
    const struct elf_needs *needs = &by->object->needs;
    const char *run_path = needs->runpath ? needs->runpath : needs->rpath, *text = "";
    if (strchr(name, '/'))
        return *name == '/' || *name == '$' ? "at that path" : "a path that depends on the working folder";
    if (run_path && *run_path)
        text = arena_format(arena, "its run path (%s), ", run_path);
    for (size_t i = 0; i < libraries->files.folders.count; i++)
        text = arena_format(arena, "%s%s, ", text, libraries->files.folders.items[i]);
    if (musl)
        return arena_format(arena, "%s%s", text,
                            libraries->has_musl_path ? libraries->files.musl_path : "/lib:/usr/local/lib:/usr/lib");
    if (needs->no_default)
        return arena_format(arena, "%snothing else, by its own wish (DF_1_NODEFLIB)", text);
    return arena_format(arena, "%s%s, the default folders", text,
                        libraries->cache.bytes ? libraries->files.cache : libraries->files.conf);
}

static const char *without_usr(const char *folder) { return strncmp(folder, "/usr/", 5) == 0 ? folder + 4 : folder; }

bool libraries_is_default_folder(const struct libraries *libraries, const char *folder)
{
    const char *plain = without_usr(folder);
    return strcmp(plain, without_usr(libraries->libc_folder)) == 0 || strcmp(plain, "/lib") == 0;
}
