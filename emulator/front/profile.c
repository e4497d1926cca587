// SPDX-License-Identifier: BSD-3-Clause
// The cost model of --profile: what each event would take on hardware, in cycles. Every number says how it is known:
// S seen in a public source, M from a paper by memory, D derived, E estimated. A file may change any of them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/os/emu.h"
#include "front/profile.h"

struct profile emu_profile;

// Leaves of ENCLS and EACCEPT...EGETKEY: a Pentium Silver (PIE, ISCA'21, M); EWB, ELDU: Eleos, EuroSys'17, M; EINIT at
// least 50,000 in the kernel's comment (S). ETRACK, EBLOCK, EPA, IPI, FAULT (the kernel's part of a page fault): E.
// server-icx transitions: Gramine's documentation (S); client-skl: sgx-perf, Middleware'18, with L1TF microcode (M).
static const struct profile built_in[] = {
    { "client-skl",
      3.4e9,
      { 28500, 12500, 88000, 4500, 1000, 1000, 5500, 12000, 12000, 1000, 1000, 12000, 1000, 10000, 8000, 6000 },
      { 34000, 40000, 7200, 7200, 5900, 10000, 9000, 10000, 34000, 1000 },
      5900,
      2000,
      1500 },
    { "server-icx",
      2.9e9,
      { 28500, 12500, 88000, 4500, 1000, 1000, 5500, 12000, 12000, 1000, 1000, 12000, 1000, 10000, 8000, 6000 },
      { 34000, 40000, 5500, 5500, 4500, 10000, 9000, 10000, 34000, 1000 },
      4500,
      2000,
      1500 },
};

static bool built_in_named(const char *name, struct profile *ret_p)
{
    for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
        if (!strcmp(built_in[i].name, name)) {
            *ret_p = built_in[i];
            return true;
        }
    return false;
}

static u32 *cost_of(struct profile *p, const char *name)
{
    for (u32 i = 0; i < 16; i++) {
        if (encls_names[i] && !strcmp(name, encls_names[i]))
            return &p->encls[i];
        if (enclu_names[i] && !strcmp(name, enclu_names[i]))
            return &p->enclu[i];
    }
    if (!strcmp(name, "AEX"))
        return &p->aex;
    if (!strcmp(name, "IPI"))
        return &p->ipi;
    return !strcmp(name, "FAULT") ? &p->fault : NULL;
}

static bool parse_line(struct profile *p, char *line)
{
    char *rest = NULL, *end;
    line[strcspn(line, "#\n")] = 0;
    const char *key = strtok_r(line, " \t", &rest), *value = strtok_r(NULL, " \t", &rest);
    if (!key)
        return true;
    if (!value || strtok_r(NULL, " \t", &rest))
        return false;
    if (!strcmp(key, "base"))
        return built_in_named(value, p);
    double number = strtod(value, &end);
    if (*end || !(number >= 0) || number > 1e12)
        return false;
    if (!strcmp(key, "hertz")) {
        p->hertz = number;
        return number >= 1;
    }
    u32 *cost = cost_of(p, key);
    if (!cost || number > UINT32_MAX)
        return false;
    *cost = (u32)number;
    return true;
}

int profile_load(const char *name, struct profile *ret_p)
{
    if (built_in_named(name, ret_p))
        return 0;
    FILE *f = fopen(name, "re");
    if (!f) {
        fprintf(stderr, "sgx2emu: --profile: neither client-skl, server-icx nor a file: %s: %s\n", name,
                strerror(errno));
        return -ENOENT;
    }
    struct profile p = built_in[1];
    char line[256], copy[256];
    int number = 0, ret = 0;
    while (!ret && fgets(line, sizeof(line), f)) {
        number++;
        memcpy(copy, line, sizeof(copy));
        if (!parse_line(&p, line)) {
            fprintf(stderr, "sgx2emu: %s:%d: not understood: %s", name, number, copy);
            ret = -EINVAL;
        }
    }
    fclose(f);
    const char *slash = strrchr(name, '/');
    snprintf(p.name, sizeof(p.name), "%s", slash ? slash + 1 : name);
    for (char *c = p.name; *c; c++) // it is printed as JSON
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = '_';
    if (!ret)
        *ret_p = p;
    return ret;
}

u64 profile_cycles(const struct profile *p, const struct sgx_counters *c, u64 kicks, u64 page_faults)
{
    u64 sum = kicks * p->ipi + page_faults * p->fault;
    for (u32 i = 0; i < 16; i++)
        sum += c->encls[i] * p->encls[i] + c->enclu[i] * p->enclu[i];
    for (u32 i = 0; i < 33; i++)
        sum += c->aex[i] * p->aex;
    return sum;
}
