// SPDX-License-Identifier: BSD-3-Clause
// The outputs of a build change together. They are made beside their places (STAGED) and renamed when all are whole;
// the file build/.publish is locked meanwhile and holds a byte, so that whoever comes after an interruption finishes
// the renames.
#pragma once

#include <stdbool.h>

// Renames all staged outputs, which are whole, to their places. Under the lock of the build (open_lock). 0, or
// STATUS_ERROR after a message.
int outputs_publish(void);
// Under the lock of the build: finishes an interrupted publication, then removes what is staged, whole or in the
// making.
int outputs_clean(void);
// Opens the enclave and the image (-1 where there is none) of one and the same build. 0, or STATUS_ERROR after a
// message.
int outputs_open(int *ret_enclave, int *ret_image);
