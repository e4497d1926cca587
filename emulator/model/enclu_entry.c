// SPDX-License-Identifier: BSD-3-Clause
// EENTER, ERESUME, EEXIT (SDM 38.4) and the asynchronous exit (SDM 37.4).
#include "internal.h"

#include "base/string.h"

#define RFLAGS_STATUS 0x8d5ull // CF PF AF ZF SF OF
#define RFLAGS_TF (1ull << 8)
#define RFLAGS_DF (1ull << 10)
#define RFLAGS_RF (1ull << 16)
#define RFLAGS_IF (1ull << 9)
#define RFLAGS_IOPL (3ull << 12)
#define RFLAGS_VM (1ull << 17)
// What ERESUME takes from the SSA (SDM 38.4 ERESUME): status, DF, NT, RF, AC, ID; IF with IOPL 3 only; TF never
#define RFLAGS_RESUME (RFLAGS_STATUS | RFLAGS_DF | 1ull << 14 | RFLAGS_RF | 1ull << 18 | 1ull << 21)

struct entry {
    u32 tcs_page, secs_page;
    struct sgx_tcs *tcs;
    struct sgx_secs *secs;
    struct sgx_ssa_frame frame;
};

static struct sgx_result find_tcs(struct sgx_model *m, const struct sgx_cpu *cpu, struct entry *e)
{
    u64 address = cpu->gpr.rbx;
    struct sgx_pte pte = { 0 };

    if (!IS_ALIGNED(address, PAGE_SIZE))
        return gp();
    m->ops.walk(m->front, cpu, address, &pte);
    if (!pte.present)
        return pf(address, SGX_PFEC_U);
    if (!pte.is_epc || pte.page >= m->pages)
        return pf_enclu(address);
    if (!is_canonical(cpu->gpr.rcx)) // the AEP
        return gp();
    const struct sgx_epcm *epcm = &m->epcm[pte.page];
    if (!epcm->valid || epcm->blocked || epcm->type != SGX_PT_TCS || epcm->linaddr != address)
        return pf_enclu(address);
    if (epcm->pending || epcm->modified)
        return pf_enclu(address);
    *e = (struct entry){ .tcs_page = pte.page,
                         .secs_page = epcm->secs,
                         .secs = secs_of(m, epcm->secs),
                         .tcs = (struct sgx_tcs *)(void *)page_data(m, pte.page) };
    return success();
}

// A TCS that does not opt in to debugging must want AEX-Notify exactly if its enclave does.
static bool aexnotify_agrees(const struct sgx_secs *secs, const struct sgx_tcs *tcs)
{
    bool of_secs = secs->attributes.flags & SGX_ATTR_AEXNOTIFY, of_tcs = tcs->flags & SGX_TCS_AEXNOTIFY;
    return (tcs->flags & SGX_TCS_DBGOPTIN) || of_secs == of_tcs;
}

// Checks that EENTER and ERESUME share, up to the SSA. EADD does not look at the TCS's offsets, so they do.
static struct sgx_result check_entry(struct sgx_model *m, const struct sgx_cpu *cpu, struct entry *e)
{
    TRY(find_tcs(m, cpu, e));
    const struct sgx_secs *secs = e->secs;
    if (!IS_ALIGNED(e->tcs->ossa | e->tcs->ofsbase | e->tcs->ogsbase, PAGE_SIZE))
        return gp();
    if (e->tcs->flags & ~tcs_flags_defined(m))
        return gp();
    if (!(secs->attributes.flags & SGX_ATTR_INIT) || !(secs->attributes.flags & SGX_ATTR_MODE64BIT))
        return gp();
    if ((secs->attributes.xfrm & ~cpu->xcr0) || !aexnotify_agrees(secs, e->tcs))
        return gp();
    return success();
}

// From here nothing fails: saves what an exit restores and takes the TCS.
static void enter(struct sgx_model *m, struct sgx_cpu *cpu, const struct entry *e)
{
    struct secs_private *private = secs_private_of(m, e->secs_page);

    e->tcs->stage = 1;
    e->tcs->aep = cpu->gpr.rcx;
    cpu->in_enclave = true;
    cpu->debug_optin = e->tcs->flags & SGX_TCS_DBGOPTIN;
    cpu->secs = e->secs_page;
    cpu->tcs = e->tcs_page;
    cpu->tcs_linaddr = cpu->gpr.rbx;
    cpu->base = e->secs->base;
    cpu->size = e->secs->size;
    cpu->ssa = e->frame;
    cpu->save_fs = cpu->fs_base;
    cpu->save_gs = cpu->gs_base;
    cpu->save_xcr0 = cpu->xcr0;
    cpu->save_tf = cpu->gpr.rflags & RFLAGS_TF;
    cpu->xcr0 = e->secs->attributes.xfrm;
    cpu->epoch = private->epoch;
    private->inside[cpu->epoch & 1]++;
}

// A debugger's single step goes on inside only where the TCS opts in.
static void suppress_tf(struct sgx_cpu *cpu)
{
    if (!cpu->debug_optin)
        cpu->gpr.rflags &= ~RFLAGS_TF;
}

// SDM 38.4 EENTER.
struct sgx_result leaf_eenter(struct sgx_model *m, struct sgx_cpu *cpu)
{
    struct entry e;

    TRY(check_entry(m, cpu, &e));
    u64 target = e.secs->base + e.tcs->oentry, fs = e.secs->base + e.tcs->ofsbase, gs = e.secs->base + e.tcs->ogsbase;
    if (!is_canonical(fs) || !is_canonical(gs) || e.tcs->cssa >= e.tcs->nssa)
        return gp();
    TRY(ssa_find(m, cpu, e.secs, e.secs_page, e.tcs, e.tcs->cssa, &e.frame));
    if (!is_canonical(target) || e.tcs->stage)
        return gp();
    u64 return_address = cpu->gpr.rip + 3, stack[2] = { cpu->gpr.rsp, cpu->gpr.rbp };
    enter(m, cpu, &e);
    // For the next AEX in this frame, also after an ERESUME, which does not save them again.
    ssa_write(m, &cpu->ssa, ssa_gpr_offset(&cpu->ssa) + offsetof(struct sgx_gprsgx, ursp), stack, sizeof(stack));
    suppress_tf(cpu);
    cpu->fs_base = fs;
    cpu->gs_base = gs;
    cpu->gpr.rax = e.tcs->cssa;
    cpu->gpr.rcx = return_address;
    cpu->gpr.rip = target;
    return success();
}

static void load_gpr(struct sgx_cpu *cpu, const struct sgx_gprsgx *s)
{
    u64 taken = RFLAGS_RESUME | ((cpu->gpr.rflags & RFLAGS_IOPL) == RFLAGS_IOPL ? RFLAGS_IF : 0);
    u64 kept = cpu->gpr.rflags & ~taken & ~RFLAGS_VM;

    memcpy(&cpu->gpr, s, offsetof(struct sgx_gprsgx, rflags)); // rax to r15, in the same order
    cpu->gpr.rflags = kept | (s->rflags & taken);
    cpu->gpr.rip = s->rip;
    cpu->fs_base = s->fsbase;
    cpu->gs_base = s->gsbase;
}
static_assert(offsetof(struct sgx_gpr, rflags) == offsetof(struct sgx_gprsgx, rflags));

// SDM 38.4 ERESUME.
struct sgx_result leaf_eresume(struct sgx_model *m, struct sgx_cpu *cpu)
{
    struct sgx_gprsgx saved;
    struct entry e;

    TRY(check_entry(m, cpu, &e));
    if (e.tcs->cssa == 0)
        return gp();
    TRY(ssa_find(m, cpu, e.secs, e.secs_page, e.tcs, e.tcs->cssa - 1, &e.frame));
    u64 xfrm = e.secs->attributes.xfrm;
    ssa_read(m, &e.frame, ssa_gpr_offset(&e.frame), &saved, sizeof(saved));
    if (!is_canonical(saved.rip) || !is_canonical(saved.fsbase) || !is_canonical(saved.gsbase))
        return gp();
    if (e.tcs->stage || !ssa_xsave_valid(m, xfrm, &e.frame))
        return gp();
    enter(m, cpu, &e);
    e.tcs->cssa--;
    load_gpr(cpu, &saved);
    suppress_tf(cpu);
    ssa_load_xsave(m, cpu, xfrm, &e.frame);
    return success();
}

// What EEXIT and AEX share: the thread is no longer inside, the TCS is free, the untrusted state is back.
static struct sgx_tcs *leave(struct sgx_model *m, struct sgx_cpu *cpu)
{
    struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page_data(m, cpu->tcs);

    secs_private_of(m, cpu->secs)->inside[cpu->epoch & 1]--;
    tcs->stage = 0;
    cpu->in_enclave = false;
    cpu->fs_base = cpu->save_fs;
    cpu->gs_base = cpu->save_gs;
    cpu->xcr0 = cpu->save_xcr0;
    if (!cpu->debug_optin)
        cpu->gpr.rflags = (cpu->gpr.rflags & ~RFLAGS_TF) | (cpu->save_tf ? RFLAGS_TF : 0);
    return tcs;
}

// SDM 38.4 EEXIT.
struct sgx_result leaf_eexit(struct sgx_model *m, struct sgx_cpu *cpu)
{
    if (!is_canonical(cpu->gpr.rbx))
        return gp();
    cpu->gpr.rip = cpu->gpr.rbx;
    cpu->gpr.rcx = leave(m, cpu)->aep;
    return success();
}

// EXITINFO (SDM 35.9.1.1): only events that software inside may need to know are told.
static u32 exit_info(const struct sgx_secs *secs, u32 vector)
{
    const u32 told = 1u << 0 | 1u << SGX_DB | 1u << SGX_BP | 1u << 5 | 1u << SGX_UD | 1u << 16 | 1u << 17 | 1u << 19;
    const u32 told_with_exinfo = 1u << SGX_GP | 1u << SGX_PF;

    if (vector >= 32)
        return 0;
    if (!((told | (secs->miscselect & SGX_MISC_EXINFO ? told_with_exinfo : 0)) >> vector & 1))
        return 0;
    u32 type = vector == SGX_BP ? SGX_EXIT_SW : SGX_EXIT_HW;
    return SGX_EXITINFO_VALID | type << 8 | vector;
}

static void save_frame(struct sgx_model *m, struct sgx_cpu *cpu, u32 vector, u32 code, u64 address, u64 ret_stack[2])
{
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    struct sgx_gprsgx saved;

    ssa_read(m, &cpu->ssa, ssa_gpr_offset(&cpu->ssa), &saved, sizeof(saved));
    ret_stack[0] = saved.ursp;
    ret_stack[1] = saved.urbp;
    memcpy(&saved, &cpu->gpr, sizeof(cpu->gpr)); // to RIP, in the same order
    saved.rflags &= ~RFLAGS_TF;                  // SDM 40.2.4
    saved.fsbase = cpu->fs_base;
    saved.gsbase = cpu->gs_base;
    saved.exitinfo = exit_info(secs, vector);
    ssa_write(m, &cpu->ssa, ssa_gpr_offset(&cpu->ssa), &saved, sizeof(saved));
    if (secs->miscselect & SGX_MISC_EXINFO) {
        struct sgx_exinfo info = { 0 };
        if (vector == SGX_PF)
            info = (struct sgx_exinfo){ .maddr = address, .errcd = code }; // before CR2's low bits are cleared
        else if (vector == SGX_GP)
            info.errcd = code;
        if (vector == SGX_PF || vector == SGX_GP)
            ssa_write(m, &cpu->ssa, ssa_exinfo_offset(&cpu->ssa), &info, sizeof(info));
    }
    ssa_save_xsave(m, cpu, secs->attributes.xfrm);
}
static_assert(sizeof(struct sgx_gpr) == offsetof(struct sgx_gprsgx, ursp));

// SDM 37.3, 37.4 AEX.
void sgx_aex(struct sgx_model *m, struct sgx_cpu *cpu, u32 vector, u32 code, u64 address)
{
    u64 stack[2], rip = cpu->gpr.rip;

    if (!cpu->in_enclave)
        return;
    save_frame(m, cpu, vector, code, address, stack);
    struct sgx_tcs *tcs = leave(m, cpu);
    tcs->cssa++;
    // The synthetic state (SDM 37.3.1)
    u64 rflags = cpu->gpr.rflags & ~(RFLAGS_STATUS | RFLAGS_RF);
    cpu->gpr = (struct sgx_gpr){ .rax = ENCLU_ERESUME,
                                 .rbx = cpu->tcs_linaddr,
                                 .rcx = tcs->aep,
                                 .rsp = stack[0],
                                 .rbp = stack[1],
                                 .rip = tcs->aep,
                                 .rflags = rflags };
    xsave_reset(m, cpu, secs_of(m, cpu->secs)->attributes.xfrm);
    m->count.aex[MIN(vector, 32u)]++;
    struct sgx_event event = { .kind = SGX_EVENT_AEX, .leaf = vector, .address = rip, .cpu = cpu };
    if (m->ops.event)
        m->ops.event(m->front, &event);
}

void sgx_abandon(struct sgx_model *m, struct sgx_cpu *cpu)
{
    if (cpu->in_enclave)
        leave(m, cpu);
}
