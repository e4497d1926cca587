// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "sign/layout.h"
#include "test.h"

static u64 pages(u64 most) { return (1 + test_random() % most) * PAGE_SIZE; }

static struct enclave_xml random_xml(bool edmm)
{
    struct enclave_xml x = { 0 };

    x.stack_min = x.stack_max = pages(1024);
    x.heap_init = x.heap_min = x.heap_max = pages(100000);
    x.tcs_num = x.tcs_min_pool = x.tcs_max = 1 + test_random() % 300;
    x.reserved_init = x.reserved_min = x.reserved_max = pages(1000000);
    x.pkru = test_random() % 3;
    if (edmm) {
        x.heap_max += pages(1000000) - PAGE_SIZE;
        x.tcs_max += test_random() % 5000;
        x.user_region = x.reserved_init;
        if (test_random() & 1)
            x.user_region += GIB(1) + pages(100000000);
    }
    return x;
}

TEST(invariants)
{
    for (int i = 0; i < 20000; i++) {
        bool edmm = test_random() & 1;
        struct enclave_xml x = random_xml(edmm);
        struct layout_input in = { .xml = &x,
                                   .edmm = edmm,
                                   .image_size = pages(5000),
                                   .config_size = test_random() % 100000,
                                   .mode = !edmm && test_random() & 1 ? ENCLAVE_MODE_SIM : ENCLAVE_MODE_HW,
                                   .entry = 0x123 };
        struct enclave_layout l;
        CHECK_EQ(layout_compute(&in, &l), 0);
        CHECK((l.elrange_size & (l.elrange_size - 1)) == 0 && l.elrange_size <= ENCLAVE_ELRANGE_MAX);
        CHECK(l.elrange_size >= GIB(64) || (!edmm && in.mode == ENCLAVE_MODE_HW));
        CHECK(l.elrange_size >= GIB(16384) || in.mode == ENCLAVE_MODE_HW);
        CHECK(l.user_start == 0x10000 && l.user_end < l.image_start && IS_ALIGNED(l.image_start, MIB(2)));
        CHECK(l.user_end - l.user_start >= MAX(x.user_region, x.reserved_init));
        CHECK(l.user_end - l.user_start >= l.user_limit && l.user_limit >= x.reserved_init);
        CHECK_EQ(l.user_committed_end, l.user_start + x.reserved_init);
        CHECK_EQ(l.image_end - l.image_start, in.image_size);
        CHECK(l.config_start >= l.image_end && l.config_start + l.config_size <= l.slots_start);
        CHECK(l.slots_start + l.slots_max * l.slot_stride <= l.heap_start);
        CHECK(l.heap_start < l.heap_init_end && l.heap_init_end <= l.heap_end && l.heap_end <= l.elrange_size);
        CHECK(IS_ALIGNED(l.slots_start | l.slot_stride | l.heap_start | l.heap_init_end | l.heap_end | l.config_start |
                             l.user_end | l.user_committed_end,
                         PAGE_SIZE));
        CHECK(l.slots_init <= l.slots_max && l.entry == l.image_start + 0x123 && (l.xfrm & 3) == 3);
    }
}

TEST(too_large_is_refused)
{
    struct enclave_xml x = random_xml(false);
    struct enclave_layout l;
    struct layout_input in = { .xml = &x, .mode = ENCLAVE_MODE_HW, .image_size = PAGE_SIZE };
    x.heap_max = x.heap_init = x.reserved_init = 1ull << 45;
    CHECK_EQ(layout_compute(&in, &l), -EOVERFLOW);
    in.image_size = ~PAGE_MASK;
    CHECK_EQ(layout_compute(&in, &l), -EOVERFLOW);
}
