// SPDX-License-Identifier: BSD-3-Clause
// Each exception inside: what the vDSO reports, what a signal handler sees without it, and what the frame tells the
// enclave's own handler (EXITINFO, EXINFO). TAP.
#include "loader.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

void sgx_enter_raw(u64 op, u64 a, u64 b, u64 tcs, void *result, u64 c, const void *aep);
extern u8 sgx_raw_aep[], sgx_raw_enclu[], sgx_raw_failed[];

static struct enclave with_exinfo, without;
static sigjmp_buf back;
static struct {
    int sig, code;
    u64 address, rip;
} seen;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *c = context;
    seen.sig = sig;
    seen.code = info->si_code;
    seen.address = (u64)(uintptr_t)info->si_addr;
    seen.rip = (u64)c->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, 1);
}

// By EENTER without the vDSO; the frame is then given up.
static void raw(u64 tcs, u64 op, u64 a, u64 b)
{
    u64 result;
    memset(&seen, 0, sizeof(seen));
    if (!sigsetjmp(back, 1))
        sgx_enter_raw(op, a, b, tcs, &result, 0, sgx_raw_aep);
    else if (seen.rip == (u64)(uintptr_t)sgx_raw_aep)
        unwind(tcs);
}

static struct sgx_gprsgx gpr_of(const struct enclave *e)
{
    struct sgx_gprsgx gpr;
    copy_out(e, &gpr, THREADS + THREAD_SSA + PAGE - sizeof(gpr), sizeof(gpr));
    return gpr;
}

static struct sgx_exinfo exinfo_of(const struct enclave *e)
{
    struct sgx_exinfo info;
    copy_out(e, &info, THREADS + THREAD_SSA + PAGE - sizeof(struct sgx_gprsgx) - sizeof(info), sizeof(info));
    return info;
}

struct expected {
    const char *name;
    u64 op, a, b;
    u32 vector, code;
    u64 address; // of #PF, whole
    int sig, si_code;
    u32 exitinfo; // without EXINFO; 0: not valid
};

static void one(const struct expected *x)
{
    struct enclave_run run;
    u64 tcs = tcs_of(&with_exinfo, 0);
    enclave_call(tcs, ENCLU_EENTER, x->op, x->a, x->b, 0, &run);
    check(run.function == ENCLU_ERESUME && run.vector == x->vector && run.error == x->code &&
              (x->vector != 14 || run.address == (x->address & ~0xfffull)),
          "%s: the vDSO tells vector %u, code %#x, address %#lx", x->name, run.vector, run.error, run.address);
    u32 valid = SGX_EXITINFO_VALID | (u32)SGX_EXIT_HW << 8 | x->vector;
    struct sgx_gprsgx gpr = gpr_of(&with_exinfo);
    check(gpr.exitinfo == valid, "%s: EXITINFO %#x", x->name, gpr.exitinfo);
    if (x->vector == 14 || x->vector == 13) {
        struct sgx_exinfo info = exinfo_of(&with_exinfo);
        check(info.errcd == x->code && info.maddr == (x->vector == 14 ? x->address : 0), "%s: EXINFO %#lx %#x", x->name,
              info.maddr, info.errcd);
    }
    unwind(tcs);

    // Addresses in the other enclave are as far from its base.
    u64 delta = without.base - with_exinfo.base, a = x->a, b = x->b;
    if (a - with_exinfo.base < ENCLAVE_SIZE)
        a += delta;
    if (b - with_exinfo.base < ENCLAVE_SIZE)
        b += delta;
    enclave_call(tcs_of(&without, 0), ENCLU_EENTER, x->op, a, b, 0, &run);
    gpr = gpr_of(&without);
    check(gpr.exitinfo == x->exitinfo, "%s: EXITINFO without EXINFO is %#x", x->name, gpr.exitinfo);
    unwind(tcs_of(&without, 0));

    raw(tcs, x->op, x->a, x->b);
    check(seen.sig == x->sig && seen.code == x->si_code && seen.rip == (u64)(uintptr_t)sgx_raw_aep &&
              (x->vector == 13 || seen.address == (x->vector == 14 ? x->address & ~0xfffull : seen.rip)),
          "%s: signal %d, code %d, address %#lx, at the AEP", x->name, seen.sig, seen.code, seen.address);
}

static void exceptions(void)
{
    u64 base = with_exinfo.base, tcs = tcs_of(&with_exinfo, 0);
    const u32 hw = SGX_EXITINFO_VALID | SGX_EXIT_HW << 8;
    const struct expected all[] = {
        { "#UD", OP_FAULT, EVENT_UD, 0, 6, 0, 0, SIGILL, ILL_ILLOPN, hw | 6 },
        { "#DE", OP_FAULT, EVENT_DE, 0, 0, 0, 0, SIGFPE, FPE_INTDIV, hw },
        { "#GP", OP_FAULT, EVENT_GP, 0, 13, 0, 0, SIGSEGV, SI_KERNEL, 0 },
        { "SYSCALL", OP_FAULT, EVENT_SYSCALL, 0, 6, 0, 0, SIGILL, ILL_ILLOPN, hw | 6 },
        { "a store to code", OP_FAULT, EVENT_PF, base + CODE + 0x123, 14, 7, base + CODE + 0x123, SIGSEGV, SEGV_ACCERR,
          0 },
        { "a load from a TCS", OP_LOAD, tcs + 0x48, 0, 14, 0x8005, tcs + 0x48, SIGSEGV, SEGV_ACCERR, 0 },
        { "a load from page 0", OP_LOAD, 0x10, 0, 14, 4, 0x10, SIGSEGV, SEGV_MAPERR, 0 },
        { "a call of data", OP_CALL, base + DATA, 0, 14, 0x15, base + DATA, SIGSEGV, SEGV_ACCERR, 0 },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        one(&all[i]);
    raw(tcs, OP_FAULT, EVENT_BP, 0); // #BP and #DB are signals with the vDSO too
    check(seen.sig == SIGTRAP && seen.code == SI_KERNEL && seen.address == 0 && seen.rip == (u64)(uintptr_t)sgx_raw_aep,
          "#BP: signal %d, code %d, address %#lx", seen.sig, seen.code, seen.address);
}

// What EENTER itself runs into is a signal at the ENCLU, not at the AEP.
static void entry(void)
{
    u64 result, tcs = tcs_of(&with_exinfo, 0);
    static const struct {
        const char *name;
        u64 offset;
        int code;
    } bad[] = { { "an unaligned TCS", 8, SI_KERNEL }, { "a page that is no TCS", THREAD_PAGE, SEGV_ACCERR } };
    for (size_t i = 0; i < 2; i++) {
        memset(&seen, 0, sizeof(seen));
        if (!sigsetjmp(back, 1))
            sgx_enter_raw(OP_LOAD, 0, 0, tcs + bad[i].offset, &result, 0, sgx_raw_aep);
        check(seen.sig == SIGSEGV && seen.code == bad[i].code && seen.rip == (u64)(uintptr_t)sgx_raw_enclu,
              "EENTER of %s: signal %d, code %d, at ENCLU", bad[i].name, seen.sig, seen.code);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    bool built = enclave_build(&with_exinfo, &(struct enclave_config){ .miscselect = SGX_MISC_EXINFO }) &&
                 enclave_build(&without, &(struct enclave_config){ 0 });
    check(built, "an enclave with EXINFO and one without");
    if (!built)
        return 1;
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    for (int i = 0; i < 5; i++)
        sigaction((int[]){ SIGILL, SIGSEGV, SIGTRAP, SIGFPE, SIGBUS }[i], &action, NULL);
    exceptions();
    entry();
    return done();
}
