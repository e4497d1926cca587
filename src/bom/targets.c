// SPDX-License-Identifier: BSD-3-Clause
#include "bom/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bom/paths.h"
#include "bom/source.h"

struct planning {
    struct plan *plan;
    const struct bom *bom;
    struct dependents *dependents;
    const char *target; // where the target is in the root
};

static void add(struct planning *planning, struct step step, const struct bom_text *asked)
{
    step.rank = RANK_BOM;
    step.place = asked->place;
    step.key = asked->key;
    plan_add(planning->plan, &step);
}

// The place of a name below the target; NULL after an error for one that would lead out of it or is none.
static const char *below_target(struct planning *planning, const struct bom_text *name)
{
    struct report *report = planning->plan->report;
    if (name->text[0] == '/')
        report_error(report, name->place, "%s: \"%s\" must be a path below the target, without / in front", name->key,
                     name->text);
    else if (path_climbs(name->text))
        report_error(report, name->place, "%s: \"%s\" must not lead out of the target by ..", name->key, name->text);
    else
        return path_normalize(planning->plan->arena, path_join(planning->plan->arena, planning->target, name->text));
    return NULL;
}

static void plan_folder(struct planning *planning, const struct bom_text *name)
{
    const char *to = below_target(planning, name);
    if (to)
        add(planning, (struct step){ .kind = STEP_FOLDER, .to = to }, name);
}

// below_target() for what is no folder.
static const char *below_target_name(struct planning *planning, const struct bom_text *name)
{
    const char *to = below_target(planning, name);
    if (to && (path_ends_with_slash(name->text) || strcmp(to, planning->target) == 0)) {
        report_error(planning->plan->report, name->place, "%s: \"%s\" is no name of a file", name->key, name->text);
        return NULL;
    }
    return to;
}

static void plan_link(struct planning *planning, const struct bom_link *link)
{
    const char *to = below_target_name(planning, &link->linkname);
    if (to)
        add(planning, (struct step){ .kind = STEP_LINK, .to = to, .from = link->src.text }, &link->linkname);
}

static void cannot_be_copied(struct planning *planning, const struct bom_text *name, const char *path, int err)
{
    const char *near = err == ENOENT ? source_nearest(planning->plan->arena, path) : NULL;
    report_error(planning->plan->report, name->place, "%s: %s: %s%s%s%s", name->key, path,
                 err == ENOENT ? "there is no such file or folder" : strerror(err), near ? "; did you mean " : "",
                 near ? near : "", near ? "?" : "");
}

// True if the file can be read and has the hash that the BOM wants.
static bool is_as_wanted(struct planning *planning, const struct bom_file *file, const char *path)
{
    u8 hash[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? -errno : file->hashed ? source_hash(fd, hash) : 0;
    if (fd >= 0)
        close(fd);
    if (err) {
        cannot_be_copied(planning, &file->name, path, -err);
        return false;
    }
    if (!file->hashed || memcmp(hash, file->hash, sizeof(hash)) == 0)
        return true;
    struct arena *arena = planning->plan->arena;
    report_error(planning->plan->report, file->name.place, "%s: the SHA-256 of %s is %s; the BOM says %s",
                 file->name.key, path, source_hash_text(arena, hash), source_hash_text(arena, file->hash));
    return false;
}

static void plan_file(struct planning *planning, const char *from, const struct bom_file *file)
{
    struct report *report = planning->plan->report;
    struct arena *arena = planning->plan->arena;
    struct step step = { .kind = STEP_FILE, .from = path_join(arena, from, file->name.text), .hashed = file->hashed };
    memcpy(step.hash, file->hash, sizeof(step.hash));
    if (file->rename.text)
        step.to = below_target_name(planning, &file->rename);
    else
        step.to = path_normalize(arena, path_join(arena, planning->target, path_name(arena, file->name.text)));
    if (stat(step.from, &step.status) != 0)
        cannot_be_copied(planning, &file->name, step.from, errno);
    else if (S_ISDIR(step.status.st_mode))
        report_error(report, file->name.place, "%s: %s is a folder; list it under dirs", file->name.key, step.from);
    else if (!S_ISREG(step.status.st_mode))
        report_error(report, file->name.place, "%s: %s is no regular file", file->name.key, step.from);
    else if (is_as_wanted(planning, file, step.from) && step.to) {
        add(planning, step, &file->name);
        if (file->autodep)
            ARENA_PUSH(arena, planning->dependents,
                       (struct dependent){ step.from, step.to, true, file->name.place, file->name.key });
    }
}

// A folder, or only what is in it.
static void plan_tree(struct planning *planning, const char *from, const struct bom_text *name, bool contents)
{
    struct arena *arena = planning->plan->arena;
    struct tree tree = { planning->plan, planning->dependents, &planning->bom->excludes, name->place, name->key };
    const char *path = path_join(arena, from, name->text), *last = path_name(arena, path), *to = planning->target;
    struct stat status;

    if (stat(path, &status) != 0) {
        cannot_be_copied(planning, name, path, errno);
        return;
    }
    if (!S_ISDIR(status.st_mode)) {
        report_error(planning->plan->report, name->place, "%s: %s is no folder; list it under files", name->key, path);
        return;
    }
    contents =
        contents || path_ends_with_slash(name->text) || !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    if (!contents) {
        to = path_normalize(arena, path_join(arena, to, last));
        add(planning, (struct step){ .kind = STEP_FOLDER, .to = to, .from = path, .status = status }, name);
    }
    tree_plan(&tree, path, to, contents ? "" : last);
}

static void plan_copy(struct planning *planning, const struct bom_copy *copy)
{
    const char *from = copy->from.text ? copy->from.text : "";
    if (copy->whole)
        plan_tree(planning, "", &copy->from, true);
    for (size_t i = 0; i < copy->dirs.count; i++)
        plan_tree(planning, from, &copy->dirs.items[i], false);
    for (size_t i = 0; i < copy->files.count; i++)
        plan_file(planning, from, &copy->files.items[i]);
}

static void plan_target(struct planning *planning, const struct bom_target *target)
{
    const struct bom_text *name = &target->target;
    if (path_climbs(name->text)) {
        report_error(planning->plan->report, name->place,
                     "%s: \"%s\" must not hold ..: a target is a path below the root", name->key, name->text);
        return;
    }
    planning->target = path_normalize(planning->plan->arena, name->text);
    add(planning, (struct step){ .kind = STEP_FOLDER, .to = planning->target }, name);
    for (size_t i = 0; i < target->mkdirs.count; i++)
        plan_folder(planning, &target->mkdirs.items[i]);
    for (size_t i = 0; i < target->links.count; i++)
        plan_link(planning, &target->links.items[i]);
    for (size_t i = 0; i < target->copies.count; i++)
        plan_copy(planning, &target->copies.items[i]);
}

void targets_plan(struct plan *plan, const struct bom *bom, struct dependents *dependents)
{
    struct planning planning = { .plan = plan, .bom = bom, .dependents = dependents };
    for (size_t i = 0; i < bom->targets.count; i++)
        plan_target(&planning, &bom->targets.items[i]);
}
