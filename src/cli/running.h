// SPDX-License-Identifier: BSD-3-Clause
// What runs in the enclave of this instance, for `occlum status`.
#pragma once

#include <stddef.h>

#include "loader/serve_protocol.h"

struct running {
    bool serves;    // an enclave does
    const char *no; // why that is not known; NULL: it is
    struct serve_packet enclave;
    size_t count;
    struct serve_packet *programs; // of malloc
};

// Asks the enclave. Prints nothing.
void running_look(struct running *ret_running);
void running_print(const struct running *running);
// As the value of a JSON member.
void running_print_json(const struct running *running);
