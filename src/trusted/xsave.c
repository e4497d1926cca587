// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/xsave.h"

enum { LEGACY_AND_HEADER = 576 };

const struct xsave_component xsave_components[XSAVE_COMPONENTS] = {
    { 2, 256, 576 }, { 5, 64, 1088 },  { 6, 512, 1152 },   { 7, 1024, 1664 },
    { 9, 8, 2688 },  { 17, 64, 2752 }, { 18, 8192, 2816 },
};

size_t xsave_size(u64 xfrm)
{
    size_t end = LEGACY_AND_HEADER;
    for (size_t i = 0; i < XSAVE_COMPONENTS; i++)
        if (xfrm >> xsave_components[i].number & 1)
            end = xsave_components[i].offset + xsave_components[i].size;
    return end;
}
