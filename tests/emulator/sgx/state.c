// SPDX-License-Identifier: BSD-3-Clause
// An asynchronous exit keeps every bit of the enclave's registers, and shows none of them outside: by signals, by
// faults that are cured outside, by exceptions that a handler inside cures. TAP.
#include "loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum { FLAGS = 0x8d5 | 1 << 10 | 1 << 21, STATUS = 0x8d5, LEGACY = 416, HEADER = 512, AREA = 2752 };
extern u64 sgx_captured[17], sgx_captures, sgx_raw_rsp;
extern u8 sgx_captured_xsave[PAGE], sgx_junk_xsave[PAGE], sgx_capture_aep[];
void sgx_enter_raw(u64 op, u64 a, u64 b, u64 tcs, void *result, u64 c, const void *aep);

static struct enclave enclave;
static u64 tcs, xfrm;
static volatile u32 flag, signals, sigframe_leaks, wrong_synthetic;
static u32 interrupts_wanted;
static u64 seed = 88172645463325252ull;

static u64 next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

// A valid image with every bit that may vary drawn at random. bv: its components, the others are in their initial
// state.
static void draw(u8 image[PAGE], u64 bv)
{
    memset(image, 0, PAGE);
    u64 *words = (u64 *)(void *)image;
    for (u32 i = 0; i < LEGACY / 8; i++)
        words[i] = next();
    for (u32 i = (HEADER + 64) / 8; i < AREA / 8; i++)
        words[i] = next();
    u16 x87[4] = { 0x0a7f, 0x1841, 0xff, 0x5a5 }; // control, status, tags, opcode
    memcpy(image, x87, 8);
    words[1] = next() & 0x7fffffffffff;
    words[2] = next() & 0x7fffffffffff;
    u32 mxcsr = 0x1f80 | (next() & 0x6000) | 0x8000 | (next() & 0x3f);
    memcpy(image + 24, &mxcsr, 4);
    for (u32 i = 0; i < 8; i++)
        memset(image + 32 + 16 * i + 10, 0, 6); // ST registers have 80 bits
    memset(image + HEADER, 0, 64);
    words[HEADER / 8] = bv;
    if (bv >> 9 & 1) { // PKRU: all allowed, else nothing here could read memory
        u32 a, b, c, d;
        __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0xd), "c"(9));
        memset(image + b, 0, a);
    }
}

// What XSAVE gives after XRSTOR of the image, on this CPU and without an enclave.
static void natural(const u8 *image, u8 ret_image[PAGE])
{
    static u8 saved[PAGE] __attribute__((aligned(64)));
    memset(ret_image, 0, PAGE);
    __asm__ volatile("xsave64 (%0)\n\txrstor64 (%1)\n\txsave64 (%2)\n\txrstor64 (%0)" ::"r"(saved), "r"(image),
                     "r"(ret_image), "a"(-1), "d"(-1)
                     : "memory");
}

// Equal in every component of xfrm; *ret_where: the first byte that is not. A component in its initial state has no
// bytes.
static bool same_state(const u8 *a, const u8 *b, u32 *ret_where)
{
    u64 bv_a, bv_b;
    memcpy(&bv_a, a + HEADER, 8);
    memcpy(&bv_b, b + HEADER, 8);
    static u32 offset[16], size[16];
    for (u32 i = 2; i < 16 && !size[2]; i++)
        if (xfrm >> i & 1) {
            u32 c, d;
            __asm__("cpuid" : "=a"(size[i]), "=b"(offset[i]), "=c"(c), "=d"(d) : "a"(0xd), "c"(i));
        }
    for (u32 i = 2; i < 16; i++) {
        if (!(xfrm >> i & 1))
            continue;
        for (u32 k = offset[i]; k < offset[i] + size[i]; k++)
            if ((bv_a >> i & 1 ? a[k] : 0) != (bv_b >> i & 1 ? b[k] : 0)) {
                *ret_where = k;
                return false;
            }
    }
    static const u8 initial[24] = { 0x7f, 3 };
    for (u32 k = 0; k < LEGACY; k++) {
        if (k >= 28 && k < 32)
            continue; // MXCSR_MASK
        u32 component = k < 24 || (k >= 32 && k < 160) ? 0 : 1;
        u8 zero = k < 24 ? initial[k] : 0;
        bool always = k >= 24 && k < 28; // MXCSR is saved with SSE or AVX
        if ((always || bv_a >> component & 1 ? a[k] : zero) != (always || bv_b >> component & 1 ? b[k] : zero)) {
            *ret_where = k;
            return false;
        }
    }
    return true;
}

static bool fresh_state(const u8 *image)
{
    static u8 initial[PAGE];
    u32 where;
    u16 fcw = 0x37f;
    u32 mxcsr = 0x1f80;
    memcpy(initial, &fcw, 2);
    memcpy(initial + 24, &mxcsr, 4);
    if (same_state(initial, image, &where))
        return true;
    printf("# byte %u is %#x\n", where, image[where]);
    return false;
}

// SDM 37.3: what an AEX leaves in the registers.
static bool synthetic(const u64 gpr[17], u64 rsp)
{
    u64 want[16] = { ENCLU_ERESUME, (u64)(uintptr_t)sgx_capture_aep, 0, tcs, rsp, RBP_OUTSIDE };
    bool ok = (gpr[16] & STATUS) == 0;
    for (u32 i = 0; i < 16; i++)
        if (gpr[i] != want[i]) {
            printf("# register %u outside: %#lx, not %#lx\n", i, gpr[i], want[i]);
            ok = false;
        }
    return ok;
}

static void inspect(const ucontext_t *context)
{
    static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                   REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
    static u8 image[PAGE];
    const greg_t *r = context->uc_mcontext.gregs;
    if (r[REG_RIP] != (greg_t)(uintptr_t)sgx_capture_aep)
        return; // a signal outside
    signals++;
    u64 gpr[17];
    for (u32 i = 0; i < 16; i++)
        gpr[i] = (u64)r[order[i]];
    gpr[16] = (u64)r[REG_EFL];
    wrong_synthetic += !synthetic(gpr, sgx_raw_rsp);
    memcpy(image, context->uc_mcontext.fpregs, AREA);
    sigframe_leaks += !fresh_state(image);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    __asm__ volatile("cld");
    inspect(context);
    if (sig == SIGUSR1 && sgx_captures + 1 >= interrupts_wanted)
        flag = 1;
    if (sig == SIGSEGV && info->si_code == SEGV_ACCERR)
        mprotect((void *)(tcs + THREAD_FAULT), PAGE, PROT_READ | PROT_WRITE);
    else if (sig != SIGUSR1)
        resume_at(tcs, probe_event_done);
}

static void *send_signals(void *thread)
{
    while (!flag) {
        usleep(300);
        if (!flag)
            pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

static void run_state(const char *name, u64 event, u64 bv, u32 interrupts)
{
    static u8 image[PAGE] __attribute__((aligned(64))), want[PAGE] __attribute__((aligned(64))), got[PAGE];
    static struct probe_state state;
    u64 registers[17], result = 0;
    draw(image, bv & xfrm);
    draw(sgx_junk_xsave, xfrm);
    natural(image, want);
    for (u32 i = 0; i < 16; i++)
        state.gpr[i] = next();
    state.gpr[15] |= 1ull << 63;
    state.gpr[15] &= ~(1ull << 62); // not canonical
    state.rflags = 0x202 | (next() & FLAGS);
    state.flag = &flag;
    flag = signals = sigframe_leaks = wrong_synthetic = 0;
    sgx_captures = 0;
    interrupts_wanted = interrupts;
    pthread_t self = pthread_self(), sender;
    if (interrupts)
        pthread_create(&sender, NULL, send_signals, &self);
    if (event == EVENT_PF)
        mprotect((void *)(tcs + THREAD_FAULT), PAGE, PROT_NONE);
    sgx_enter_raw(OP_STATE, (u64)(uintptr_t)&state, event, tcs, &result, (u64)(uintptr_t)image, sgx_capture_aep);
    if (interrupts)
        pthread_join(sender, NULL);
    copy_out(&enclave, registers, tcs - enclave.base + THREAD_STATE, sizeof(registers));
    copy_out(&enclave, got, tcs - enclave.base + THREAD_XSAVE, PAGE);
    bool equal = true;
    for (u32 i = 0; i < 16; i++)
        if (registers[i] != state.gpr[i] && !(event == EVENT_SPIN && i == 1)) {
            printf("# register %u: %#lx, not %#lx\n", i, registers[i], state.gpr[i]);
            equal = false;
        }
    check(equal, "%s: registers", name);
    check(((registers[16] ^ state.rflags) & FLAGS) == 0, "%s: flags %#lx of %#lx", name, registers[16], state.rflags);
    u32 where = 0;
    bool same = same_state(want, got, &where);
    check(same, "%s: XSAVE state%s", name, same ? "" : ", not the same");
    if (!same)
        printf("# byte %u: %#x, not %#x\n", where, got[where], want[where]);
    if (event == EVENT_NONE)
        return;
    check(sgx_captures >= (interrupts ? interrupts : 1) && signals >= (interrupts ? interrupts : 1),
          "%s: %lu exits, %u signals", name, sgx_captures, signals);
    check(synthetic(sgx_captured, sgx_raw_rsp) && !wrong_synthetic, "%s: the synthetic registers outside", name);
    check(fresh_state(sgx_captured_xsave) && !sigframe_leaks, "%s: no vector register seen outside", name);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    bool built = enclave_build(&enclave, &(struct enclave_config){ 0 });
    check(built, "an enclave with every component of XFRM");
    if (!built)
        return 1;
    tcs = tcs_of(&enclave, 0);
    xfrm = enclave.secs.attributes.xfrm;
    printf("# XFRM %#lx\n", xfrm);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    for (int i = 0; i < 6; i++)
        sigaction((int[]){ SIGUSR1, SIGILL, SIGSEGV, SIGTRAP, SIGFPE, SIGBUS }[i], &action, NULL);
    run_state("no exit", EVENT_NONE, ~0ull, 0);
    run_state("200 signals", EVENT_SPIN, ~0ull, 200);
    run_state("signals, upper halves in their initial state", EVENT_SPIN, 3, 20);
    run_state("signals, x87 in its initial state", EVENT_SPIN, ~1ull, 20);
    for (int i = 0; i < 5; i++)
        run_state("#PF cured outside", EVENT_PF, ~0ull, 0);
    run_state("#UD cured inside", EVENT_UD, ~0ull, 0);
    run_state("#BP cured inside", EVENT_BP, ~0ull, 0);
    run_state("#DE cured inside", EVENT_DE, ~0ull, 0);
    run_state("#GP cured inside", EVENT_GP, ~0ull, 0);
    return done();
}
