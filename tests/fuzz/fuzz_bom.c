// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a bill of materials. Whatever is accepted without an error has all its texts.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bom/bom.h"
#include "bom/pattern.h"
#include "bom/paths.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(const struct bom_text *text)
{
    if (!text->text || !*text->text || !text->key || !text->place.line || !text->place.file)
        abort();
}

static void check_target(const struct bom_target *target)
{
    check(&target->target);
    for (size_t i = 0; i < target->links.count; i++) {
        check(&target->links.items[i].src);
        check(&target->links.items[i].linkname);
    }
    for (size_t i = 0; i < target->copies.count; i++)
        for (size_t k = 0; k < target->copies.items[i].files.count; k++)
            check(&target->copies.items[i].files.items[k].name);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static FILE *nowhere;
    struct arena arena = { 0 };
    struct bom bom;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    struct report report = { .out = nowhere, .level = REPORT_TRACE };
    bom_read(&arena, &report, "fuzz", ".", data, size, &bom);
    for (size_t i = 0; i < bom.targets.count; i++)
        check_target(&bom.targets.items[i]);
    for (size_t i = 0; i < bom.excludes.count; i++)
        pattern_excludes(bom.excludes.items[i].text, "folder/file.c", false);
    for (size_t i = 0; i < bom.targets.count; i++) {
        const char *path = path_normalize(&arena, bom.targets.items[i].target.text);
        if (*path != '/' || path_climbs(path))
            abort();
    }
    arena_free(&arena);
    return 0;
}
