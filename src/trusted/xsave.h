// SPDX-License-Identifier: BSD-3-Clause
// Standard-format XSAVE areas as Intel CPUs lay them out (SDM volume 1, 13.4).
#pragma once

#include "base/types.h"

enum { XSAVE_COMPONENTS = 7 };
struct xsave_component {
    u8 number; // bit of XFRM
    u32 size, offset;
};
extern const struct xsave_component xsave_components[XSAVE_COMPONENTS]; // in order of their offsets

// Bytes of an area that holds the components of xfrm.
size_t xsave_size(u64 xfrm);
