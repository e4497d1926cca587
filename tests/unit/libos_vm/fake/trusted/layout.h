// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "abi/occlum/layout.h"
extern const struct enclave_layout enclave_layout;
