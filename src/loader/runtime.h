// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "platform/platform.h"

// The platform that serves host calls on enclave memory.
void runtime_set_platform(const struct platform_ops *ops);
