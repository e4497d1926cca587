// SPDX-License-Identifier: BSD-3-Clause
// What probe.S and its callers agree on; also included by the assembler.
#pragma once

#define OP_LOAD 0
#define OP_STORE 1
#define OP_COPY 2
#define OP_ENCLU 3
#define OP_SPIN 4
#define OP_STATE 5
#define OP_ADD 6
#define OP_CALL 7
#define OP_FAULT 8
#define OP_NESTED 9
#define OP_LAST 9

#define EVENT_NONE 0
#define EVENT_SPIN 1
#define EVENT_UD 2
#define EVENT_BP 3
#define EVENT_DE 4
#define EVENT_GP 5
#define EVENT_PF 6
#define EVENT_SYSCALL 7

#define STATE_FLAG 136
#define RBP_OUTSIDE 0x1234567
