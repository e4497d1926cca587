// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "base/types.h"
void random_bytes(void *buf, size_t n);
