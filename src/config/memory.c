// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "abi/occlum/layout.h"
#include "base/checked.h"
#include "config/config.h"

#define EADD_NS 7100ull // an unmeasured page end to end, Xeon Gold 5315Y (reference/sgx-emulation.md section 5)
// A measured page takes 16 EEXTEND of 5500 cycles more, at the 23000 cycles of EADD_NS.
#define MEASURE_NS (16 * 5500 * EADD_NS / 23000)
#define MEASURED_PAGES_PER_SLOT 2 // the TCS and the per-thread page

// The pages of one thread slot that exist: all but its two guard pages.
static u64 slot_committed(u64 stack_size) { return enclave_slot_stride(stack_size) - 2 * PAGE_SIZE; }

// *sum += count * size; true when that overflows.
static bool add_product(u64 *sum, u64 count, u64 size)
{
    u64 product;
    return mul_overflow_u64(count, size, &product) || add_overflow_u64(*sum, product, sum);
}

int config_memory_compute(const struct config_xml *xml, const struct config_binary *binary,
                          struct config_memory *ret_memory)
{
    u64 fixed = binary->image_committed + ALIGN_UP(binary->config_size, PAGE_SIZE);
    struct config_memory memory = { .committed = fixed, .maximum = fixed };
    struct enclave_parts parts = { .user = MAX(xml->user_region, xml->reserved_init),
                                   .image = binary->image_size,
                                   .config = binary->config_size,
                                   .heap = xml->heap_max,
                                   .least = xml->user_region ? ENCLAVE_LEAST_EDMM : 0 };
    if (xml->stack_max > ENCLAVE_ELRANGE_MAX) // so that a slot's size does not wrap
        return -EOVERFLOW;
    u64 slot = slot_committed(xml->stack_max), stride = enclave_slot_stride(xml->stack_max);
    if (add_product(&memory.committed, xml->tcs_num, slot) || add_product(&memory.committed, 1, xml->heap_init) ||
        add_product(&memory.committed, 1, xml->reserved_init) || add_product(&memory.maximum, xml->tcs_max, slot) ||
        add_product(&memory.maximum, 1, xml->heap_max) || add_product(&memory.maximum, 1, xml->user_max) ||
        add_product(&parts.slots, xml->tcs_max, stride) ||
        MAX(parts.user, MAX(parts.heap, parts.slots)) > ENCLAVE_ELRANGE_MAX)
        return -EOVERFLOW;
    memory.elrange = enclave_elrange_size(&parts);
    parts.least = ENCLAVE_LEAST_SIMULATED;
    memory.elrange_simulated = enclave_elrange_size(&parts);
    if (!memory.elrange)
        return -EOVERFLOW;
    u64 measured = fixed / PAGE_SIZE + xml->tcs_num * MEASURED_PAGES_PER_SLOT;
    memory.load_us = (memory.committed / PAGE_SIZE * EADD_NS + measured * MEASURE_NS) / 1000;
    *ret_memory = memory;
    return 0;
}
