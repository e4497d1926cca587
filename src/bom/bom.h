// SPDX-License-Identifier: BSD-3-Clause
// A bill of materials as it was read: what shall come where in a root file system. Texts have their variables expanded.
#pragma once

#include "bom/memory.h"
#include "bom/report.h"

struct bom_text {
    const char *text; // NULL: not given
    const char *key;  // its path in the file, as targets[0].copy[1].from
    struct place place;
};
struct bom_texts {
    struct bom_text *items;
    size_t count, room;
};

struct bom_file {
    struct bom_text name, rename;
    bool autodep, hashed;
    u8 hash[32]; // SHA-256 that the file must have, if hashed
};
struct bom_copy {
    struct bom_text from;
    struct bom_texts dirs;
    struct bom_files {
        struct bom_file *items;
        size_t count, room;
    } files;
    bool whole; // neither dirs nor files: all that is in `from`
};
struct bom_link {
    struct bom_text src, linkname;
};
struct bom_target {
    struct bom_text target;
    struct bom_texts mkdirs;
    struct bom_links {
        struct bom_link *items;
        size_t count, room;
    } links;
    struct bom_copies {
        struct bom_copy *items;
        size_t count, room;
    } copies;
};
struct bom {
    const char *name;   // as it is shown in messages
    const char *folder; // where it lies
    struct bom_texts includes, excludes;
    struct bom_targets {
        struct bom_target *items;
        size_t count, room;
    } targets;
};
struct bom_list {
    struct bom **items;
    size_t count, room;
};

enum {
    BOM_SIZE_MAX = 16 << 20,   // bytes of one file
    BOM_ENTRIES_MAX = 1 << 16, // list entries of one file, aliases counted as often as they are used
    BOM_DEPTH_MAX = 32,        // of includes
};

// Reads one BOM from memory. Errors go to the report; what could be read is in *ret nevertheless.
void bom_read(struct arena *arena, struct report *report, const char *name, const char *folder, const void *text,
              size_t size, struct bom *ret);

// Reads the BOM at path ("-": standard input; a bare name is also looked for in include_dirs) and what it includes,
// each file once, included ones first. include_dirs are searched in order after the folder of the including file.
void bom_load(struct arena *arena, struct report *report, const char *path, const struct text_list *include_dirs,
              struct bom_list *ret);

// Replaces $NAME and ${NAME} by the environment's values, $$ by $, and $OCCLUM_BOM_DIR by `folder`. NULL after an
// error.
const char *bom_expand(struct arena *arena, struct report *report, const struct bom_text *where, const char *folder,
                       const char *text);
