// SPDX-License-Identifier: BSD-3-Clause
// The program's vector state stays in the registers while the LibOS runs. Whatever would change it saves it first.
#pragma once

#include "base/types.h"

size_t vector_state_size(void); // bytes; areas are 64-byte aligned and zeroed before first use
// Saves / restores the live state in XSAVE standard format.
void vector_save(void *area);
void vector_restore(const void *area);
// Loads the initial state (FCW 0x37f, MXCSR 0x1f80, all registers zero): execve.
void vector_reset(void);

// Brackets LibOS code that uses vector registers (hashing). Not nestable.
void vector_begin(void);
void vector_end(void);
