// SPDX-License-Identifier: BSD-3-Clause
// --script: a hostile operating system. At chosen events it does to the enclave what a driver can do: nothing that the
// model of the CPU would not let it. The language is described in sgx2emu(1).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/driver/driver.h"
#include "front/driver/epc.h"
#include "front/driver/script.h"
#include "front/os/emu.h"

enum action { REMOVE, REPLACE, AUGMENT, TRIM, TCS, RESTRICT };
enum { MAX_RULES = 64, MAX_MOMENTS = 1024 };

struct rule {
    char event[16];
    enum action action;
    u32 access;               // RESTRICT: SECINFO R W X
    u64 start, end;           // pages of these addresses
    u64 seen, due;            // occurrences so far; actions that could not be done yet
    u64 moments[MAX_MOMENTS]; // occurrences at which to act, in no order
    u32 count;
};

static struct rule rules[MAX_RULES];
static u32 rule_count;
static u64 state = 88172645463325252ull; // of the random numbers
static const char *dump_file;

static u64 draw(u64 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static bool parse_action(struct rule *r, const char *word)
{
    static const char *const names[] = { [REMOVE] = "remove", [REPLACE] = "replace", [AUGMENT] = "augment",
                                         [TRIM] = "trim",     [TCS] = "tcs",         [RESTRICT] = "restrict" };
    for (u32 i = 0; i < ARRAY_SIZE(names); i++)
        if (!strncmp(word, names[i], strlen(names[i]))) {
            const char *rest = word + strlen(names[i]);
            r->action = i;
            if (i == RESTRICT && *rest == '=') {
                r->access = (strchr(rest, 'r') ? 1u : 0) | (strchr(rest, 'w') ? 2u : 0) | (strchr(rest, 'x') ? 4u : 0);
                return true;
            }
            return !*rest && i != RESTRICT;
        }
    return false;
}

static bool parse_target(struct rule *r, const char *word)
{
    char *end;
    r->start = 0;
    r->end = UINT64_MAX;
    if (!strcmp(word, "any"))
        return true;
    r->start = strtoull(word, &end, 0);
    if (*end == '-')
        r->end = strtoull(end + 1, &end, 0);
    else
        r->end = r->start + EMU_PAGE;
    return !*end && r->end > r->start;
}

static bool known_event(const char *name)
{
    for (u32 i = 0; i < 16; i++)
        if (enclu_names[i] && !strcmp(name, enclu_names[i]))
            return true;
    return !strcmp(name, "ioctl") || !strcmp(name, "fault") || !strcmp(name, "EAUG");
}

static bool parse_line(char *line)
{
    char *word[8], *rest = NULL;
    u32 n = 0;
    line[strcspn(line, "#\n")] = 0;
    for (char *w = strtok_r(line, " \t", &rest); w && n < ARRAY_SIZE(word); w = strtok_r(NULL, " \t", &rest))
        word[n++] = w;
    if (!n)
        return true;
    if (!strcmp(word[0], "seed") && n == 2) {
        state = strtoull(word[1], NULL, 0) * 2654435761u + 88172645463325252ull;
        return true;
    }
    if (!strcmp(word[0], "dump") && n == 2)
        return (dump_file = strdup(word[1])) != NULL;
    bool random = !strcmp(word[0], "random");
    if (n < 2 || !known_event(word[1]) || (!random && strcmp(word[0], "at")) || n != (random ? 6u : 5u) ||
        rule_count == MAX_RULES)
        return false;
    struct rule *r = &rules[rule_count];
    snprintf(r->event, sizeof(r->event), "%s", word[1]);
    u64 count = random ? strtoull(word[2], NULL, 0) : 1, from = random ? strtoull(word[3], NULL, 0) : 0;
    if (!count || count > MAX_MOMENTS || (random && !from))
        return false;
    for (r->count = 0; r->count < count; r->count++)
        r->moments[r->count] = random ? 1 + draw(from) : strtoull(word[2], NULL, 0);
    rule_count++;
    return parse_action(r, word[n - 2]) && parse_target(r, word[n - 1]);
}

int script_load(const char *path)
{
    char line[256];
    FILE *f = fopen(path, "re");
    if (!f) {
        fprintf(stderr, "sgx2emu: %s: %s\n", path, strerror(errno));
        return -errno;
    }
    int number = 0, ret = 0;
    while (!ret && fgets(line, sizeof(line), f)) {
        number++;
        char copy[256];
        strcpy(copy, line);
        if (!parse_line(line)) {
            fprintf(stderr, "sgx2emu: %s:%d: not understood: %s", path, number, copy);
            ret = -EINVAL;
        }
    }
    fclose(f);
    return ret;
}

static bool suits(const struct rule *r, const struct encl *e, u64 page)
{
    const struct encl_page *p = &e->pages[page];
    u64 address = e->base + page * EMU_PAGE;
    if (address < r->start || address >= r->end)
        return false;
    return r->action == AUGMENT ? p->state == PAGE_ABSENT : p->state == PAGE_LOADED && p->type == SGX_PT_REG;
}

// A random page the rule may act on, each with the same chance: UINT64_MAX when there is none.
static u64 choose(const struct rule *r, const struct encl *e)
{
    u64 first = r->start > e->base ? (r->start - e->base) / EMU_PAGE : 0;
    u64 last = r->end < e->base + e->size ? (r->end - e->base) / EMU_PAGE : e->size / EMU_PAGE;
    u64 chosen = UINT64_MAX, seen = 0;
    if (r->action == AUGMENT && first < last) // nearly all pages are absent
        first += draw(last - first);
    for (u64 page = first; page < last; page++)
        if (suits(r, e, page) && draw(++seen) == 0) {
            chosen = page;
            if (r->action == AUGMENT)
                break;
        }
    return chosen;
}

// EREMOVE as long as nobody is inside; the contents are gone.
static bool remove_page(struct task *t, struct encl *e, u64 page)
{
    struct encl_page *p = &e->pages[page];
    struct sgx_result r = sgx_eremove(&emu.model, (u64)p->epc * EMU_PAGE);
    if (r.vector || r.rax)
        return false;
    epc_free(p->epc);
    fsgsbase_restore(e, page);
    memset(p, 0, sizeof(*p));
    e->driver_pages--;
    view_lower(t, e, page, 1);
    madvise(e->mem + page * EMU_PAGE, EMU_PAGE, MADV_REMOVE);
    return true;
}

static bool act(struct task *t, struct encl *e, const struct rule *r)
{
    u64 page = choose(r, e);
    if (page == UINT64_MAX)
        return false;
    u64 epc = (u64)e->pages[page].epc * EMU_PAGE;
    struct sgx_secinfo secinfo = { .flags = r->action == RESTRICT
                                                ? r->access
                                                : SGX_SECINFO_PT(r->action == TCS ? SGX_PT_TCS : SGX_PT_TRIM) };
    struct sgx_result result = { 0 };
    bool done = true;
    switch (r->action) {
    case REMOVE:
        done = remove_page(t, e, page);
        break;
    case REPLACE:
        done = remove_page(t, e, page) && driver_eaug(t, e, page) == 0;
        break;
    case AUGMENT:
        done = driver_eaug(t, e, page) == 0;
        break;
    case TRIM:
    case TCS:
        result = sgx_emodt(&emu.model, &secinfo, epc);
        break;
    case RESTRICT:
        result = sgx_emodpr(&emu.model, &secinfo, epc);
        break;
    }
    done = done && !result.vector && !result.rax;
    if (done && r->action >= TRIM) {
        view_lower(t, e, page, 1);
        encl_track(t, e);
    }
    static const char *const names[] = { "remove", "replace", "augment", "trim", "tcs", "restrict" };
    if (done) {
        emu.script_actions++;
        trace("script: %s of page %#lx at %s %lu", names[r->action], e->base + page * EMU_PAGE, r->event, r->seen);
    }
    return done;
}

void script_event(struct task *t, const char *event)
{
    static bool acting; // an action is no event
    if (acting)
        return;
    acting = true;
    for (u32 i = 0; i < rule_count; i++) {
        struct rule *r = &rules[i];
        struct encl *e = t->encl ? t->encl : emu.enclaves;
        if (strcmp(r->event, event) || !e || !e->initialized)
            continue;
        r->seen++;
        for (u32 k = 0; k < r->count; k++)
            r->due += r->moments[k] == r->seen;
        if (r->due && act(t, e, r))
            r->due--;
    }
    acting = false;
}

static bool same_entry(const struct sgx_epcm *a, const struct sgx_epcm *b)
{
    return a->r == b->r && a->w == b->w && a->x == b->x && a->pending == b->pending && a->modified == b->modified &&
           a->pr == b->pr && a->type == b->type;
}

void script_dump(const struct encl *e)
{
    FILE *f = dump_file ? fopen(dump_file, "we") : NULL;
    if (!f)
        return;
    for (u64 page = 0, next; page < e->size / EMU_PAGE; page = next) {
        next = page + 1;
        if (e->pages[page].state == PAGE_ABSENT)
            continue;
        if (e->pages[page].state == PAGE_EVICTED) {
            fprintf(f, "%lx-%lx evicted\n", e->base + page * EMU_PAGE, e->base + next * EMU_PAGE);
            continue;
        }
        const struct sgx_epcm *entry = &emu.model.epcm[e->pages[page].epc];
        while (next < e->size / EMU_PAGE && e->pages[next].state == PAGE_LOADED &&
               same_entry(entry, &emu.model.epcm[e->pages[next].epc]))
            next++;
        fprintf(f, "%lx-%lx %s %s%s%s%s%s%s\n", e->base + page * EMU_PAGE, e->base + next * EMU_PAGE,
                entry->type == SGX_PT_TCS    ? "tcs"
                : entry->type == SGX_PT_TRIM ? "trim"
                                             : "reg",
                entry->r ? "r" : "-", entry->w ? "w" : "-", entry->x ? "x" : "-", entry->pending ? " pending" : "",
                entry->modified ? " modified" : "", entry->pr ? " pr" : "");
    }
    fclose(f);
}
