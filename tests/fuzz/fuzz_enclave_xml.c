// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: the first byte chooses the arithmetic, the rest is an Enclave.xml. What is accepted must have a layout.
#include <stdio.h>
#include <stdlib.h>

#include "sign/layout.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static FILE *sink;
    struct enclave_xml xml;
    struct enclave_layout layout;

    if (!sink)
        sink = fopen("/dev/null", "w");
    if (!size || enclave_xml_parse((const char *)data + 1, size - 1, "fuzz", data[0] & 1, sink, &xml) != 0)
        return 0;
    const struct layout_input in = {
        .xml = &xml, .mode = ENCLAVE_MODE_HW, .edmm = data[0] & 1, .image_size = PAGE_SIZE
    };
    if (layout_compute(&in, &layout) == 0 && layout.heap_end > layout.elrange_size)
        abort();
    return 0;
}
