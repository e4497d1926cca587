// SPDX-License-Identifier: BSD-3-Clause
// gate_table_check() against damaged tables.
#include <string.h>

#include "sample.h"
#include "test.h"

static union {
    struct gate_table table;
    u8 bytes[sizeof(struct gate_table) + 4 * sizeof(struct gate_site)];
} copy;
static size_t size;
static const struct gate_range code = { SAMPLE_CODE, SAMPLE_CODE + SAMPLE_CODE_SIZE };

// Sites: 0 = pre at 0x1105, 1 = hole at 0x1204, 2 = trap at 0x1304.
static void fresh(void)
{
    static struct sample sample;

    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3);
    SAMPLE_PUT(&sample, 0x1200, 0x74, 0x00, 0x31, 0xc0, 0x0f, 0x05, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc);
    SAMPLE_PUT(&sample, 0x1300, 0x74, 0x00, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    const struct gate_table *table = sample_scan(&sample);
    size = table ? gate_table_size(table->count) : 0;
    memset(&copy, 0, sizeof(copy));
    if (table)
        memcpy(&copy, table, size);
}

static bool ok(void) { return gate_table_check(&copy, size, &code, 1) == 0; }

#define REFUSED(change) \
    do {                \
        fresh();        \
        change;         \
        CHECK(!ok());   \
    } while (0)

TEST(good_table)
{
    fresh();
    CHECK_EQ(copy.table.count, 3);
    CHECK(ok());
}

TEST(damaged_header)
{
    REFUSED(copy.table.magic++);
    REFUSED(copy.table.version++);
    REFUSED(copy.table.site_size++);
    REFUSED(copy.table.reserved++);
    REFUSED(copy.table.base++);
    REFUSED(copy.table.span = 0x80000000);
    REFUSED(copy.table.base = (u64)-PAGE_SIZE);
    REFUSED(copy.table.count--);
    REFUSED(copy.table.count = 0xffffffff);
    REFUSED(copy.table.kinds[0]++);
    REFUSED(size--);
    REFUSED(size = 8);
}

TEST(damaged_sites)
{
    REFUSED(copy.table.sites[0].offset = 0x2fff); // order
    REFUSED(copy.table.sites[1].offset = copy.table.sites[0].offset);
    REFUSED(copy.table.sites[0].offset = 2); // window before the file
    REFUSED(copy.table.sites[0].kind = 3);
    REFUSED(copy.table.sites[0].insn_class = 1);
    REFUSED(copy.table.sites[0].window_size = 4);
    REFUSED(copy.table.sites[0].window_size = 18);
    REFUSED(copy.table.sites[0].window_size = 6); // 0x00 alone is cut off
    REFUSED(copy.table.sites[0].fixup = 1);
    REFUSED(copy.table.sites[0].window[0] = 0xe9); // a jump in the window
    REFUSED(copy.table.sites[0].window[5] = 1);
    REFUSED(copy.table.sites[0].hole = 1);
    REFUSED(copy.table.sites[0].reserved[2] = 1);
    REFUSED(copy.table.sites[1].hole = copy.table.sites[1].offset - 3); // over the site
    REFUSED(copy.table.sites[1].hole = copy.table.sites[1].offset + 130);
    REFUSED(copy.table.sites[1].hole = 0xffffffff);
    REFUSED(copy.table.sites[1].window_size = 5);
    REFUSED(copy.table.sites[2].window_size = 5);
    REFUSED(copy.table.sites[2].offset = 0x2fff); // beyond the file
}

TEST(hole_over_another_site)
{
    fresh();
    copy.table.sites[2].offset = copy.table.sites[1].hole + 4;
    CHECK(!ok());
    copy.table.sites[2].offset = copy.table.sites[1].hole + 5;
    CHECK(ok());
}

TEST(outside_the_code)
{
    const struct gate_range elsewhere[2] = { { 0x1200, 0x3000 }, { 0x1000, 0x1106 } };

    fresh();
    CHECK(gate_table_check(&copy, size, elsewhere, 2) != 0); // the last byte of site 0
    CHECK(gate_table_check(&copy, size, elsewhere, 0) != 0);
}
