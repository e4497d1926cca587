// SPDX-License-Identifier: BSD-3-Clause
// Builds enclaves of probe.S through the driver's interface and calls them. Offsets are from the enclave's base.
#pragma once

#include <openssl/evp.h>

#include "abi/sgx/arch.h"
#include "crypto/sha256.h"
#include "probe.h"

enum {
    PAGE = 4096,
    CODE = 0,
    DATA = 0x10000, // 16 pages, read and written
    DATA_PAGES = 16,
    THREADS = 0x100000, // one every THREAD_SPAN: TCS, 2 SSA frames, its page, its XSAVE page, a page to fault on
    THREAD_SPAN = 0x10000,
    THREAD_SSA = 0x1000,
    THREAD_PAGE = 0x3000,
    THREAD_STATE = 0x3200,
    THREAD_XSAVE = 0x4000,
    THREAD_FAULT = 0x5000,
    HEAP = 0x800000, // nothing added
    ENCLAVE_SIZE = 0x1000000,
};
#define RW (SGX_SECINFO_R | SGX_SECINFO_W)

struct enclave_config {
    u64 attributes; // besides MODE64BIT
    u64 xfrm;       // 0: all that CPUID.12H.1 offers
    u32 miscselect;
    u16 isvsvn, isvprodid;
    u32 threads;   // 0: 1
    EVP_PKEY *key; // 0: a new one
    u8 tag;        // part of the measured data
};

struct enclave {
    int fd;
    u64 base;
    struct sgx_secs secs;
    struct sha256 measurement;
    u8 mrenclave[32];
};

struct probe_state {
    u64 gpr[16]; // RAX RCX RDX RBX RSP RBP RSI RDI R8..R15
    u64 rflags;
    const volatile u32 *flag; // EVENT_SPIN ends when it is not 0
};
static_assert(offsetof(struct probe_state, flag) == STATE_FLAG);

// struct sgx_enclave_run of <asm/sgx.h>
struct enclave_run {
    u64 tcs;
    u32 function; // 4 after EEXIT, else the leaf that got the exception
    u16 vector, error;
    u64 address, handler, data;
    u8 reserved[216];
};
static_assert(sizeof(struct enclave_run) == 256);

extern const u8 probe_code[PAGE];
extern const u8 probe_event_done[], probe_unwind[], probe_nested[];

// TAP
void check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
int done(void);

EVP_PKEY *new_key(void);
u64 offered_xfrm(void);
// All steps to an initialised enclave with every page mapped as it was added and the heap mapped RWX. False: errno
// tells.
bool enclave_build(struct enclave *e, const struct enclave_config *config);
void enclave_destroy(struct enclave *e);
u64 tcs_of(const struct enclave *e, u32 thread); // address

// Enters through the vDSO; run tells what happened, the return value is what the enclave answered.
u64 enclave_call(u64 tcs, u32 leaf, u64 op, u64 a, u64 b, u64 c, struct enclave_run *ret_run);
// The same with thread 0, which must leave by EEXIT; a fault ends the program with a message.
u64 ask(const struct enclave *e, u64 op, u64 a, u64 b, u64 c);
// As ask, and gives the vector of the exception (0: none). `address` and `code` may be NULL.
u32 fault_of(const struct enclave *e, u64 op, u64 a, u64 b, u64 c, u64 *ret_address, u32 *ret_code);
// What an exception handler at CSSA 1 does: the interrupted call of the thread goes on at `code`, a symbol of probe.S.
void resume_at(u64 tcs, const u8 *code);
// Gives up the interrupted call of a thread: nothing remains of it.
void unwind(u64 tcs);
void sgx_resume_unwinding(u64 tcs, u64 out[2]);

// ENCLU inside: RAX (error code) of the leaf, or 0x1000 + vector.
enum { FAULT = 0x1000 };
u32 leaf(const struct enclave *e, u32 eax, u64 rbx, u64 rcx, u64 rdx);
// EACCEPT, EACCEPTCOPY, EMODPE with a SECINFO that is put into the enclave first.
u32 leaf_secinfo(const struct enclave *e, u32 eax, u64 flags, u64 rcx, u64 rdx);
void copy_in(const struct enclave *e, u64 offset, const void *data, u64 size);
void copy_out(const struct enclave *e, void *data, u64 offset, u64 size);
