// SPDX-License-Identifier: BSD-3-Clause
// The image file in the loader's memory, where the enclave reads it without leaving.
#pragma once

#include "base/types.h"

// Maps `size` bytes of the open file; its address, or 0 where that cannot be (the enclave reads by host calls then).
// Before there are threads.
u64 host_image_map(int fd, u64 size);
// Where what the enclave learned goes (occlum run --learn). Before there are threads.
void host_learn_to(int fd);
