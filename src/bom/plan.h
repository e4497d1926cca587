// SPDX-License-Identifier: BSD-3-Clause
// What shall be there in the root when all is done: one step for each path. Made in full before anything is touched.
#pragma once

#include <sys/stat.h>

#include "bom/memory.h"
#include "bom/report.h"

enum step_kind { STEP_FOLDER, STEP_FILE, STEP_LINK };
// Who asked for a step. What stands in the BOM goes before what only a library needs, a folder's own mode before the
// usual one.
enum step_rank { RANK_PARENT, RANK_DEPENDENCY, RANK_BOM };

struct step {
    enum step_kind kind;
    enum step_rank rank;
    const char *to; // path in the root: absolute, normalized
    const char
        *from; // STEP_FILE: the file to copy; STEP_LINK: the text of the link; STEP_FOLDER: the folder copied, or NULL
    struct stat status; // of `from`: of files, and folders that are copied
    bool hashed;
    u8 hash[32]; // SHA-256 of the file, if hashed
    struct place place;
    const char *key; // of the BOM entry that asked
};

// Begins zeroed but for what says otherwise.
struct plan {
    struct arena *arena;
    struct report *report;
    dev_t root_device;   // of the root, if it is there
    ino_t root_inode;    // 0: it is not
    struct step **items; // in the order of execution
    size_t count, room;
    struct table by_path;
};

// Adds a step and the folders above it. A later step for the same path replaces an earlier one of its rank; a folder
// and something else at one path is an error.
void plan_add(struct plan *plan, const struct step *step);
// The step for a path, or NULL.
struct step *plan_find(const struct plan *plan, const char *to);
// The file that a path will be, through links that are planned too; NULL: none.
const struct step *plan_find_file(const struct plan *plan, const char *to);
