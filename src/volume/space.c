// SPDX-License-Identifier: BSD-3-Clause
// Which places of the file are free. Known in memory only: opening the volume finds out from the tree, so that no map
// can disagree with it after a crash.
#include <asm/errno.h>

#include "base/string.h"
#include "volume/volume_impl.h"

enum {
    GROW_PLACES = 1024,     // reserved at once: 4 MiB
    KEEP_BACKED = 4096,     // free places that keep their host space: 16 MiB
    DISCARD_PLACES = 16,    // shorter runs are not worth a call: 64 KiB
    DISCARD_RESERVE = 64,   // places that only discards may use up, so that a full volume can be emptied
    FIRST_PLACES = 1 << 15, // maps for 128 MiB
};

static size_t map_bytes(u64 places) { return BITMAP_WORDS(places) * sizeof(u64); }

static u64 *map_alloc(struct volume *v, u64 places)
{
    u64 *map = v->env->alloc(map_bytes(places));

    if (map)
        memset(map, 0, map_bytes(places));
    return map;
}

// All maps at least this large, or all as they were. -ENOMEM.
static int maps_cover(struct volume *v, u64 places)
{
    struct space *s = &v->space;
    u64 **maps[] = { &s->committed, &s->fresh, &s->dying, &s->backed };
    u64 *larger[ARRAY_SIZE(maps)];
    bool whole = true;

    if (places <= s->places)
        return 0;
    places = ALIGN_UP(MAX(places, s->places * 2), (u64)64);
    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        larger[i] = map_alloc(v, places);
        whole = whole && larger[i];
    }
    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        u64 *unwanted = whole ? *maps[i] : larger[i];
        if (whole && *maps[i])
            memcpy(larger[i], *maps[i], map_bytes(s->places));
        if (unwanted)
            v->env->free(unwanted, map_bytes(whole ? s->places : places));
        if (whole)
            *maps[i] = larger[i];
    }
    if (!whole)
        return -ENOMEM;
    s->places = places;
    return 0;
}

int space_init(struct volume *v, u64 places)
{
    struct space *s = &v->space;
    int err = maps_cover(v, MAX(places, (u64)FIRST_PLACES));

    if (err)
        return err;
    s->end = MAX(places, (u64)VOLUME_SUPERBLOCKS);
    s->free_unbacked = s->end - VOLUME_SUPERBLOCKS;
    s->cursor = VOLUME_SUPERBLOCKS;
    bitmap_assign(s->committed, 0, VOLUME_SUPERBLOCKS, true);
    return 0;
}

void space_destroy(struct volume *v)
{
    struct space *s = &v->space;
    u64 *maps[] = { s->committed, s->fresh, s->dying, s->backed };

    for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
        if (maps[i])
            v->env->free(maps[i], map_bytes(s->places));
}

int space_mark_committed(struct volume *v, u64 place)
{
    struct space *s = &v->space;

    if (place < VOLUME_SUPERBLOCKS || place >= s->end || bitmap_test(s->committed, place))
        return -EBADMSG;
    bitmap_set(s->committed, place);
    bitmap_set(s->backed, place);
    s->in_use++;
    s->free_unbacked--;
    return 0;
}

static bool is_free(const struct space *s, u64 place)
{
    return !bitmap_test(s->committed, place) && !bitmap_test(s->fresh, place);
}

// The first run of free places without host space: at least `least`, at most `most` of them. The number; 0: there is
// none.
static u64 find_unbacked(const struct space *s, u64 least, u64 most, u64 *ret_start)
{
    u64 len = 0;

    if (s->free_unbacked < least)
        return 0;
    for (u64 at = VOLUME_SUPERBLOCKS; at < s->end && len < most; at++) {
        if (is_free(s, at) && !bitmap_test(s->backed, at)) {
            *ret_start = len ? *ret_start : at;
            len++;
        } else if (len >= least) {
            break;
        } else {
            len = 0;
        }
    }
    return len >= least ? len : 0;
}

// Has the host back a run of free places: one inside the file, else behind its end.
static int back_more(struct volume *v, u64 least, u64 most)
{
    struct space *s = &v->space;
    u64 start, len = find_unbacked(s, least, most, &start);
    bool inside = len > 0;
    int err;

    if (!inside) {
        start = s->end;
        len = most;
    }
    err = maps_cover(v, start + len);
    if (!err && v->backend.reserve)
        err = v->backend.reserve(v->backend.context, start * VOLUME_BLOCK, len * VOLUME_BLOCK);
    if (err)
        return err;
    bitmap_assign(s->backed, start, len, true);
    s->end = MAX(s->end, start + len);
    s->free_backed += len;
    s->free_unbacked -= inside ? len : 0;
    return 0;
}

int space_ensure(struct volume *v, u64 blocks, bool for_discard)
{
    struct space *s = &v->space;

    if (!for_discard)
        blocks += DISCARD_RESERVE;

    while (s->free_backed < blocks) {
        int err = back_more(v, DISCARD_PLACES, GROW_PLACES);
        if (err == -ENOSPC) // the last of it
            err = back_more(v, 1, MIN(blocks - s->free_backed, (u64)GROW_PLACES));
        if (err)
            return err;
    }
    return 0;
}

u64 space_take(struct volume *v)
{
    struct space *s = &v->space;

    for (;; s->cursor++) {
        if (s->cursor >= s->end)
            s->cursor = VOLUME_SUPERBLOCKS;
        if (!bitmap_test(s->backed, s->cursor) || !is_free(s, s->cursor))
            continue;
        u64 place = s->cursor++;
        bitmap_set(s->fresh, place);
        s->free_backed--;
        s->in_use++;
        return place;
    }
}

void space_drop(struct volume *v, u64 place)
{
    struct space *s = &v->space;

    if (bitmap_test(s->fresh, place)) { // no commit names it: free at once
        bitmap_clear(s->fresh, place);
        s->in_use--;
        s->free_backed++;
    } else {
        bitmap_set(s->dying, place);
        s->dying_count++;
    }
}

// Host space beyond a reserve goes back, in long runs, from the end of the file down.
static void give_back(struct volume *v)
{
    struct space *s = &v->space;
    u64 len = 0;

    if (!v->backend.discard || s->free_backed <= 2 * KEEP_BACKED)
        return;
    for (u64 at = s->end; at-- > VOLUME_SUPERBLOCKS && s->free_backed > KEEP_BACKED;) {
        bool free = is_free(s, at) && bitmap_test(s->backed, at);
        len = free ? len + 1 : 0;
        bool last_of_run = free && !(at > VOLUME_SUPERBLOCKS && is_free(s, at - 1) && bitmap_test(s->backed, at - 1));
        if (!last_of_run || len < DISCARD_PLACES)
            continue;
        v->backend.discard(v->backend.context, at * VOLUME_BLOCK, len * VOLUME_BLOCK);
        bitmap_assign(s->backed, at, len, false);
        s->free_backed -= len;
        s->free_unbacked += len;
    }
}

void space_committed(struct volume *v)
{
    struct space *s = &v->space;

    for (u64 word = 0; word < BITMAP_WORDS(s->end); word++) {
        s->committed[word] = (s->committed[word] | s->fresh[word]) & ~s->dying[word];
        s->fresh[word] = 0;
        s->dying[word] = 0;
    }
    s->in_use -= s->dying_count;
    s->free_backed += s->dying_count;
    s->dying_count = 0;
    give_back(v);
}
