// SPDX-License-Identifier: BSD-3-Clause
#include "model_rows.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

struct operands op;
u32 rows_checked, orders_checked;
static struct machine before;

void rows_built(void)
{
    static struct machine built;

    if (!built.base) {
        machine_init(true);
        build(0);
        sgx_epa(&vm.model, SGX_PT_VA, EPC(P_VA));
        memcpy(&built, &vm, sizeof(vm));
    }
    memcpy(&vm, &built, sizeof(vm));
    memset(&op, 0, sizeof(op));
}

void rows_created(void)
{
    machine_init(true);
    struct sgx_secs secs = secs_default();
    if (!IS_OK(create(&secs)))
        abort();
    memset(&op, 0, sizeof(op));
}

bool rows_here(struct rows *rows, const char *name, u64 touches, struct outcome want)
{
    u32 n = rows->at++;

    if (rows->count <= n) { // the first pass
        if (n == ROWS_MAX)
            abort();
        rows->causes[n].name = name;
        rows->causes[n].touches = touches;
        rows->causes[n].want = want;
        rows->count++;
    }
    return n == rows->first || n == rows->second;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->vector == b->vector && a->zf == b->zf && a->cf == b->cf && a->code == b->code && a->value == b->value;
}

static const char *name_of(const struct rows *rows, u32 n) { return n == NONE ? "nothing" : rows->causes[n].name; }

static void evaluate(const struct rows *rows)
{
    memcpy(&before, &vm, sizeof(vm));
    struct sgx_result r = rows->run();
    struct outcome got = { .vector = r.vector, .zf = r.zf, .cf = r.cf }, want = { 0 };

    if (r.vector == SGX_PF)
        got.code = r.fault_code, got.value = r.address;
    else if (!r.vector)
        got.value = r.rax;
    if (rows->first != NONE)
        want = rows->causes[rows->first].want;
    if (!same(&got, &want))
        test_fail(__FILE__, __LINE__, "%s, %s and %s: vector %u code 0x%x zf %d cf %d value 0x%llx", rows->leaf,
                  name_of(rows, rows->first), name_of(rows, rows->second), got.vector, got.code, got.zf, got.cf,
                  (unsigned long long)got.value);
    if (rows->first == NONE)
        return;
    if (memcmp(before.epcm, vm.epcm, sizeof(vm.epcm)) != 0 || memcmp(before.pages, vm.pages, sizeof(vm.pages)) != 0)
        test_fail(__FILE__, __LINE__, "%s, %s and %s: left a trace", rows->leaf, name_of(rows, rows->first),
                  name_of(rows, rows->second));
    if (rows->second == NONE)
        rows_checked++;
    else
        orders_checked += !same(&want, &rows->causes[rows->second].want);
}

// The next cause to try alone, or pair that can be combined.
static bool advance(struct rows *rows)
{
    do {
        if (rows->first == NONE) {
            rows->first = 0;
        } else {
            rows->second = rows->second == NONE ? rows->first + 1 : rows->second + 1;
            if (rows->second >= rows->count)
                rows->first++, rows->second = NONE;
        }
        if (rows->first >= rows->count)
            return false;
    } while (rows->second != NONE && (rows->causes[rows->first].touches & rows->causes[rows->second].touches));
    return true;
}

bool rows_next(struct rows *rows)
{
    if (!rows->started) {
        rows->started = true;
        rows->first = rows->second = NONE;
    } else {
        evaluate(rows);
        if (!advance(rows))
            return false;
    }
    rows->at = 0;
    rows->prepare();
    return true;
}

// Linked last: all leaves are done.
TEST(rows_total)
{
    extern int printf(const char *, ...);
    printf("# %u error rows, each alone; %u orders of two rows\n", rows_checked, orders_checked);
    CHECK(rows_checked >= 400);
    CHECK(orders_checked >= 2000);
}
