// SPDX-License-Identifier: BSD-3-Clause
// How occlum config shows both builds of one Occlum.json.
#pragma once

#include "config/config.h"

// One per build: [0] without, [1] with EDMM.
struct both_builds {
    struct config_xml xml[2];
    struct config_memory memory[2];
};

// A table and the warnings on stdout; in colours if stdout is a terminal and NO_COLOR is unset (no-color.org).
void config_table_print(const struct both_builds *both, const struct config_errors *warnings);
// The same as one JSON object.
void config_json_print(const struct both_builds *both, const struct config_errors *warnings);
