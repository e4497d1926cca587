// SPDX-License-Identifier: BSD-3-Clause
// Where everything lies in ELRANGE (abi/occlum/layout.h), from Enclave.xml and the sizes of image and blob.
#pragma once

#include "abi/occlum/layout.h"
#include "sign/enclave_xml.h"

struct layout_input {
    const struct enclave_xml *xml; // accepted by enclave_xml_parse
    enum enclave_mode mode;
    bool edmm;
    u64 image_size;  // bytes of the LibOS in memory, page aligned
    u64 entry;       // offset of its entry point from its start
    u64 config_size; // bytes of the measured configuration
};

// 0, or -EOVERFLOW if ELRANGE would exceed ENCLAVE_ELRANGE_MAX.
__nodiscard int layout_compute(const struct layout_input *input, struct enclave_layout *ret_layout);

// XCR0 components that must be there, and that may be (SECS.ATTRIBUTES.XFRM, SDM 35.7.2).
u64 layout_xfrm_required(const struct enclave_xml *xml);
u64 layout_xfrm_optional(const struct enclave_xml *xml);
