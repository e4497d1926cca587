// SPDX-License-Identifier: BSD-3-Clause
// Finding libraries as the dynamic linkers of glibc (ld.so(8)) and musl do, by reading their files; no program is run.
#pragma once

#include "bom/elf_needs.h"
#include "bom/ldcache.h"
#include "bom/plan.h"

// One ELF file that was looked at, or what is no such file.
struct elf_object {
    enum elf_kind kind;
    struct elf_needs needs;
    const char *why; // of ELF_BROKEN and ELF_FOREIGN
};

// Where the linkers' own files lie; others for tests.
struct library_files {
    const char *cache, *conf, *musl_path;
    struct text_list folders; // of the user's own (--library-dir, LD_LIBRARY_PATH), absolute
};
#define LIBRARY_FILES_OF_THIS_MACHINE                                            \
    {                                                                            \
        "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld-musl-x86_64.path", { 0 } \
    }

struct libraries {
    struct arena *arena;
    struct report *report;
    const struct plan *plan;
    struct library_files files;
    struct ldcache cache;
    struct text_list glibc_folders; // searched behind the cache
    const char *libc_folder; // where this machine's libc.so.6 lies: a folder that glibc's linker looks into in any case
    struct text_list musl_folders;
    bool has_musl_path;   // the musl folders come from files.musl_path
    struct table objects; // by path
};

void libraries_open(struct libraries *libraries, struct arena *arena, struct report *report, const struct plan *plan,
                    const struct library_files *files);
// What the file at a path is; each is read once.
const struct elf_object *libraries_object(struct libraries *libraries, const char *path);

// A loaded program or library.
struct loaded {
    const struct elf_object *object;
    const char *from, *to;          // on this machine, in the root
    const char *name;               // the DT_NEEDED that asked for it
    const struct loaded *needed_by; // NULL: the first
};

enum found_by { FOUND_NOWHERE, FOUND_BY_PATH, FOUND_BY_RUN_PATH, FOUND_BY_CACHE, FOUND_BY_DEFAULT, FOUND_BY_MUSL_PATH };
struct found {
    enum found_by by;
    const char *from, *to;
};
// The library `name` that `by` needs.
void libraries_find(struct libraries *libraries, const struct loaded *by, const char *name, bool musl,
                    struct found *ret);
// For the message about one that was not found: where it was looked for.
const char *libraries_places(struct libraries *libraries, const struct loaded *by, const char *name, bool musl);

// Is it a program or library of musl? By its linker or the libc it needs.
bool libraries_is_musl(const struct elf_needs *needs);

// True if glibc's linker looks into this folder without any configuration.
bool libraries_is_default_folder(const struct libraries *libraries, const char *folder);
