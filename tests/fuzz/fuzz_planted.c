// SPDX-License-Identifier: BSD-3-Clause
// A fault for run.py to find: reads behind the end of an input that begins with a brace.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    volatile uint8_t sink = 0;
    if (size && data[0] == '{')
        sink = data[size];
    return sink & 0;
}
