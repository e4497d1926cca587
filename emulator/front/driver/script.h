// SPDX-License-Identifier: BSD-3-Clause
// --script
#pragma once

#include "front/cpu/enclu.h"

__nodiscard int script_load(const char *path); // 0, or a negative errno after a message
void script_dump(const struct encl *e);        // the EPCM of an enclave that ends, where the script asks for it
