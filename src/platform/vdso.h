// SPDX-License-Identifier: BSD-3-Clause
// Functions of the kernel's vDSO. They need no thread-local storage: the code that serves host calls may use them.
#pragma once

// The function of that name, or NULL where the kernel has none (vdso(7)).
void *vdso_symbol(const char *name);
