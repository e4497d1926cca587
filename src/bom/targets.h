// SPDX-License-Identifier: BSD-3-Clause
// From what a BOM says to the plan.
#pragma once

#include "bom/bom.h"
#include "bom/plan.h"

// A file whose libraries shall come along.
struct dependent {
    const char *from, *to; // on this machine, in the root
    bool strict;           // named by the BOM: a library that is missing is an error
    struct place place;
    const char *key;
};
struct dependents {
    struct dependent *items;
    size_t count, room;
};

// Plans all targets of one BOM. Files that are ELF are added to *dependents, unless autodep is false.
void targets_plan(struct plan *plan, const struct bom *bom, struct dependents *dependents);

// One folder that is copied as `to`.
struct tree {
    struct plan *plan;
    struct dependents *dependents;
    const struct bom_texts *excludes;
    struct place place;
    const char *key;
};
// Plans all that lies in the folder `from`. `shown`: its path for exclude patterns, "" for none.
void tree_plan(const struct tree *tree, const char *from, const char *to, const char *shown);
