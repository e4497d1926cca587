// SPDX-License-Identifier: BSD-3-Clause
// Enclave.xml: the definitive configuration of an enclave, read strictly.
#pragma once

#include <stdio.h>

#include "base/types.h"

// One member per element, in the order in which `occlum build` writes them. All sizes in bytes.
struct enclave_xml {
    u64 prod_id, isv_svn;
    u64 stack_max, stack_min;
    u64 heap_init, heap_max, heap_min;
    u64 tcs_num, tcs_max, tcs_min_pool, tcs_policy;
    u64 disable_debug;
    u64 misc_select, misc_mask;
    u64 reserved_max, reserved_min, reserved_init, reserved_executable;
    u64 user_region; // 0: the element is absent (not EDMM)
    u64 enable_kss;
    u64 ext_prod_id_high, ext_prod_id_low, family_id_high, family_id_low;
    u64 pkru, amx; // 0 off, 1 required, 2 if the machine has it
};

// The user maximum behind UserRegionSize exceeds the region by this much unless it equals ReservedMemInitSize.
#define ENCLAVE_XML_EXTRA_USER_REGION GIB(1)

// Reads `len` bytes of XML and checks every value and how they fit together, for an EDMM build or not. `name` is the
// file's name for messages, which go to `errors` (all of one run). 0, -EINVAL, or -ENOMEM.
__nodiscard int enclave_xml_parse(const char *text, size_t len, const char *name, bool edmm, FILE *errors,
                                  struct enclave_xml *ret_xml);
