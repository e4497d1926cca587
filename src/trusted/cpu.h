// SPDX-License-Identifier: BSD-3-Clause
// What the CPU offers, found once at start.
#pragma once

#include "base/types.h"

void cpu_init(void);
u64 cpu_hwcap(void); // AT_HWCAP: CPUID.1:EDX
// At boot: what the host says of CPUID leaf 7 (EBX), which is not for enclaves. A lie costs speed, or an instruction
// that the CPU does not know stops the enclave: the digest is the same by both ways.
void cpu_told(u64 cpuid_7_ebx);
bool cpu_has_sha(void);      // SHA-NI
u64 cpu_xfrm(void);          // state components the program may use (XCR0 limited by the enclave's XFRM)
size_t cpu_xsave_size(void); // bytes of a standard-format XSAVE area for cpu_xfrm()
// SGX2 CPUs (and simulation): page faults are told to the enclave (EXINFO), RDTSC works inside.
bool cpu_reports_faults(void);
bool cpu_has_tsc(void);
u64 cpu_tsc(void); // the time-stamp counter; 0 where an enclave may not read it
