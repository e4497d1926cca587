// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// Boot tells where the host keeps its struct host_shared_page (already checked to lie outside ELRANGE).
void time_init(u64 shared_page);
