// SPDX-License-Identifier: BSD-3-Clause
#include "bom/plan.h"

#include <string.h>

#include "bom/paths.h"

enum { LINKS_MAX = 40 };

static const char *const kind_names[] = { [STEP_FOLDER] = "folder", [STEP_FILE] = "file", [STEP_LINK] = "link" };

struct step *plan_find(const struct plan *plan, const char *to) { return table_get(&plan->by_path, to); }

const struct step *plan_find_file(const struct plan *plan, const char *to)
{
    const struct step *step = plan_find(plan, to);
    for (unsigned links = 0; step && step->kind == STEP_LINK && links < LINKS_MAX; links++)
        step = plan_find(
            plan, path_normalize(plan->arena, path_join(plan->arena, path_parent(plan->arena, step->to), step->from)));
    return step && step->kind == STEP_FILE ? step : NULL;
}

static void append(struct plan *plan, const struct step *step)
{
    struct step *copy = arena_alloc(plan->arena, sizeof(*copy));
    *copy = *step;
    table_put(plan->arena, &plan->by_path, copy->to, copy);
    ARENA_PUSH(plan->arena, plan, copy);
}

static void conflict(struct plan *plan, const struct step *step, const struct step *there)
{
    report_error(plan->report, step->place, "%s: %s would be a %s here, but is a %s by %s:%u (%s)", step->key, step->to,
                 kind_names[step->kind], kind_names[there->kind],
                 there->place.file ? there->place.file : "another entry", there->place.line, there->key);
}

static void replace(struct plan *plan, struct step *there, const struct step *step)
{
    // A folder above a path that the BOM makes a link: the link leads to it.
    if (step->rank == RANK_PARENT && there->kind == STEP_LINK)
        return;
    if (step->kind != there->kind && (step->kind == STEP_FOLDER || there->kind == STEP_FOLDER)) {
        if (step->rank == RANK_DEPENDENCY)
            return;
        conflict(plan, step, there);
        return;
    }
    if (step->rank < there->rank || (step->kind == STEP_FOLDER && !step->from && there->from))
        return;
    if (step->rank == RANK_BOM && there->rank == RANK_BOM && step->kind != STEP_FOLDER &&
        strcmp(step->from, there->from) != 0)
        report_note(plan->report, REPORT_INFO, "%s: %s (%s:%u) goes before %s (%s:%u)", step->to, step->from,
                    step->place.file, step->place.line, there->from, there->place.file, there->place.line);
    const char *to = there->to; // the key of the table
    *there = *step;
    there->to = to;
}

static void add_one(struct plan *plan, const struct step *step)
{
    struct step *there = plan_find(plan, step->to);
    if (there)
        replace(plan, there, step);
    else
        append(plan, step);
}

void plan_add(struct plan *plan, const struct step *step)
{
    for (const char *slash = strchr(step->to + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct step parent = { .kind = STEP_FOLDER, .rank = RANK_PARENT, .place = step->place, .key = step->key };
        parent.to = arena_copy(plan->arena, step->to, (size_t)(slash - step->to));
        add_one(plan, &parent);
    }
    if (strcmp(step->to, "/") != 0)
        add_one(plan, step);
}
