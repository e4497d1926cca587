// SPDX-License-Identifier: BSD-3-Clause
// Error rows and their order. A leaf's causes of refusal are listed once, in the order in which the SDM checks them.
// Each is tried alone, and with each later one: then the earlier must win. A refusal must leave EPCM and pages as they
// were.
#pragma once

#include "model/internal.h"
#include "model_fixture.h"

struct outcome {
    u8 vector;
    bool zf, cf;
    u32 code;  // of #PF
    u64 value; // address of #PF, or RAX
};

enum { ROWS_MAX = 96 };

struct rows {
    const char *leaf;
    void (*prepare)(void);
    struct sgx_result (*run)(void);
    u32 count, at, first, second; // causes; the one being listed; those in force
    bool started;
    struct {
        const char *name;
        u64 touches;
        struct outcome want;
    } causes[ROWS_MAX];
};

// What the causes change and run() uses.
struct operands {
    u64 rbx, rcx, rdx, epc, va;
    struct sgx_page_args args;
    struct sgx_secinfo info;
    struct sgx_pcmd pcmd;
    struct sgx_secs secs;
    struct sgx_sigstruct sig;
    u8 page[4096] __attribute__((aligned(4096)));
    bool resign;
    u8 *spoil; // a byte changed after signing
};
extern struct operands op;

bool rows_next(struct rows *rows);
bool rows_here(struct rows *rows, const char *name, u64 touches, struct outcome want);
// The enclave of build() with a VA page, not entered; and an empty machine with nothing but its SECS, not initialised.
void rows_built(void);
void rows_created(void);
// How many rows and observable orders were checked so far.
extern u32 rows_checked, orders_checked;

#define LEAF(name, prepare_, run_) \
    for (struct rows rows = { .leaf = name, .prepare = prepare_, .run = run_ }; rows_next(&rows);)
// Causes whose `touches` overlap are not combined.
#define CAUSE(name, touches, want, change)           \
    do {                                             \
        if (rows_here(&rows, name, touches, want)) { \
            change;                                  \
        }                                            \
    } while (0)

#define GP ((struct outcome){ .vector = SGX_GP })
#define PFE(at) ((struct outcome){ .vector = SGX_PF, .code = SGX_PFEC_P | SGX_PFEC_SGX, .value = at })
#define PFU(at, how) ((struct outcome){ .vector = SGX_PF, .code = how, .value = at })
#define ERR(error) ((struct outcome){ .zf = true, .value = error })
#define TOLD(error) ((struct outcome){ .cf = true, .value = error })

// Linear addresses as constants: machine_init's base.
#define AT(place) (0x100000ull + (place)*4096ull)
#define NON_CANONICAL (1ull << 60)

// Touches: twelve bits for each of five operands.
enum {
    F_ADDRESS,
    F_PTE,
    F_VALID,
    F_RIGHT,
    F_PENDING,
    F_MODIFIED,
    F_BLOCKED,
    F_TYPE,
    F_OWNER,
    F_PLACE,
    F_DATA,
    F_OTHER
};
#define TOUCH(operand, field) (1ull << ((operand)*12 + (field)))

// The page tables of an operand at `place`. w: SGX_PFEC_W for one that is written.
#define WALK_CAUSES(o, place, w)                                                                            \
    CAUSE(#o " absent", TOUCH(o, F_PTE), PFU(AT(place), SGX_PFEC_U | (w)), vm.ptes[place].present = false); \
    CAUSE(#o " not EPC", TOUCH(o, F_PTE), PFU(AT(place), CODE_PFX | (w)), vm.ptes[place].is_epc = false);   \
    CAUSE(#o " beyond the EPC", TOUCH(o, F_PTE), PFU(AT(place), CODE_PFX | (w)), vm.ptes[place].page = EPC_PAGES)
// EPCM states that deny an operand in EPC page `e` of a running enclave the right r or w.
#define EPCM_CAUSES(o, place, e, right, code)                                                          \
    CAUSE(#o " invalid", TOUCH(o, F_VALID), PFU(AT(place), code), vm.epcm[e].valid = false);           \
    CAUSE(#o " without the right", TOUCH(o, F_RIGHT), PFU(AT(place), code), vm.epcm[e].right = false); \
    CAUSE(#o " pending", TOUCH(o, F_PENDING), PFU(AT(place), code), vm.epcm[e].pending = true);        \
    CAUSE(#o " modified", TOUCH(o, F_MODIFIED), PFU(AT(place), code), vm.epcm[e].modified = true);     \
    CAUSE(#o " blocked", TOUCH(o, F_BLOCKED), PFU(AT(place), code), vm.epcm[e].blocked = true);        \
    CAUSE(#o " not REG", TOUCH(o, F_TYPE), PFU(AT(place), code), vm.epcm[e].type = SGX_PT_TCS);        \
    CAUSE(#o " of another enclave", TOUCH(o, F_OWNER), PFU(AT(place), code), vm.epcm[e].secs = 9);     \
    CAUSE(#o " elsewhere", TOUCH(o, F_PLACE), PFU(AT(place), code), vm.epcm[e].linaddr += 4096)
// Alignment and ELRANGE of an operand in register reg.
#define PLACE_CAUSES(o, reg, part)                                                   \
    CAUSE(#o " unaligned", TOUCH(o, F_ADDRESS), GP, op.reg += part);                 \
    CAUSE(#o " above ELRANGE", TOUCH(o, F_ADDRESS), GP, op.reg = AT(ENCLAVE_PAGES)); \
    CAUSE(#o " below ELRANGE", TOUCH(o, F_ADDRESS), GP, op.reg = AT(0) - 4096)
