// SPDX-License-Identifier: BSD-3-Clause
// Instructions that SGX forbids inside an enclave (SDM volume 3D, 34.6.1) and programs execute nevertheless: CPUID, and
// on CPUs without SGX2 RDTSC and RDTSCP.
#pragma once

#include "trusted/regs.h"

// Does the instruction at regs->rip in place of the CPU, when it is one of these. False: it is another.
bool instruction_emulate(struct user_regs *regs);

// Makes the host's answer to CPUID fit the enclave: what its XFRM does not have, or an enclave cannot do, is not there;
// sizes that programs trust with their stacks come from us. regs: EAX EBX ECX EDX.
void cpuid_filter(u32 leaf, u32 subleaf, u64 xfrm, u32 regs[4]);
