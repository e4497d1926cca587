// SPDX-License-Identifier: BSD-3-Clause
// A line for each call: its text and its answer, by name where it is an error. For programs that are compared with
// Linux.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void told(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}
#define TELL(call) told(#call, (long)(call))
