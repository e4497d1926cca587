// SPDX-License-Identifier: BSD-3-Clause
#include "sign/layout.h"

#include <errno.h>

#define XFRM_LEGACY 0x3ull   // x87, SSE: SGX demands them
#define XFRM_VECTORS 0xe4ull // AVX, AVX-512
#define XFRM_PKRU (1ull << 9)
#define XFRM_AMX (3ull << 17)

enum { FEATURE_OFF, FEATURE_REQUIRED, FEATURE_OPTIONAL };

u64 layout_xfrm_required(const struct enclave_xml *xml)
{
    return XFRM_LEGACY | (xml->pkru == FEATURE_REQUIRED ? XFRM_PKRU : 0) |
           (xml->amx == FEATURE_REQUIRED ? XFRM_AMX : 0);
}

u64 layout_xfrm_optional(const struct enclave_xml *xml)
{
    return XFRM_VECTORS | (xml->pkru == FEATURE_OPTIONAL ? XFRM_PKRU : 0) |
           (xml->amx == FEATURE_OPTIONAL ? XFRM_AMX : 0);
}

static u64 user_maximum(const struct enclave_xml *xml)
{
    if (!xml->user_region || xml->user_region == xml->reserved_init)
        return xml->reserved_init;
    return xml->user_region - ENCLAVE_XML_EXTRA_USER_REGION;
}

int layout_compute(const struct layout_input *in, struct enclave_layout *ret_layout)
{
    const struct enclave_xml *xml = in->xml;
    u64 stride = enclave_slot_stride(xml->stack_max), slots_size = stride * xml->tcs_max;
    struct enclave_layout l = {
        .magic = ENCLAVE_LAYOUT_MAGIC,
        .mode = (u32)in->mode,
        .edmm = in->edmm,
        .user_start = ENCLAVE_USER_START,
        .user_committed_end = ENCLAVE_USER_START + xml->reserved_init,
        .user_limit = user_maximum(xml),
        .config_size = in->config_size,
        .slot_stride = stride,
        .slots_init = (u32)xml->tcs_num,
        .slots_max = (u32)xml->tcs_max,
        .stack_size = xml->stack_max,
        .xfrm = layout_xfrm_required(xml) | layout_xfrm_optional(xml),
    };

    if (in->image_size > GIB(1) || in->config_size > GIB(1))
        return -EOVERFLOW;
    u64 least = in->edmm ? ENCLAVE_LEAST_EDMM : 0;
    if (in->mode == ENCLAVE_MODE_SIM)
        least = ENCLAVE_LEAST_SIMULATED;
    // Every part is at most 2^46 (enclave_xml_check.c).
    const struct enclave_parts parts = { .user = MAX(xml->user_region, xml->reserved_init),
                                         .image = in->image_size,
                                         .config = in->config_size,
                                         .slots = slots_size,
                                         .heap = xml->heap_max,
                                         .least = least };
    l.elrange_size = enclave_elrange_size(&parts);
    if (!l.elrange_size)
        return -EOVERFLOW;
    l.heap_end = l.elrange_size;
    l.heap_start = l.heap_end - xml->heap_max;
    l.heap_init_end = l.heap_start + xml->heap_init;
    l.slots_start = l.heap_start - slots_size;
    l.image_start =
        ALIGN_DOWN(l.slots_start - in->image_size - ALIGN_UP(in->config_size, PAGE_SIZE), ENCLAVE_IMAGE_ALIGN);
    l.image_end = l.image_start + in->image_size;
    l.config_start = l.image_end;
    // Without EDMM programs have what is there at load and no address more.
    l.user_end = in->edmm || in->mode == ENCLAVE_MODE_SIM ? l.image_start - ENCLAVE_USER_GUARD : l.user_committed_end;
    l.entry = l.image_start + in->entry;
    *ret_layout = l;
    return 0;
}
