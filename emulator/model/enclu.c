// SPDX-License-Identifier: BSD-3-Clause
// ENCLU: which leaf, and what all have in common (SDM 38.4).
#include "internal.h"

#include "base/string.h"

#define RFLAGS_ZF (1ull << 6)
#define RFLAGS_STATUS 0x8d5ull
#define ENCLU_LENGTH 3 // NP 0F 01 D7

struct leaf {
    struct sgx_result (*run)(struct sgx_model *m, struct sgx_cpu *cpu);
    bool enters; // executed outside
    bool sgx2;
    bool jumps;   // sets RIP itself
    bool reports; // RAX and RFLAGS tell the outcome
};

static const struct leaf leaves[] = {
    [ENCLU_EREPORT] = { .run = leaf_ereport },
    [ENCLU_EGETKEY] = { .run = leaf_egetkey, .reports = true },
    [ENCLU_EENTER] = { .run = leaf_eenter, .enters = true, .jumps = true },
    [ENCLU_ERESUME] = { .run = leaf_eresume, .enters = true, .jumps = true },
    [ENCLU_EEXIT] = { .run = leaf_eexit, .jumps = true },
    [ENCLU_EACCEPT] = { .run = leaf_eaccept, .sgx2 = true, .reports = true },
    [ENCLU_EMODPE] = { .run = leaf_emodpe, .sgx2 = true },
    [ENCLU_EACCEPTCOPY] = { .run = leaf_eacceptcopy, .sgx2 = true, .reports = true },
    [ENCLU_EDECCSSA] = { .run = leaf_edeccssa },
};

// The frame below becomes the current one. URSP and URBP in it stay those that EENTER saved there.
// SDM 38.4 EDECCSSA.
struct sgx_result leaf_edeccssa(struct sgx_model *m, struct sgx_cpu *cpu)
{
    struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page_data(m, cpu->tcs);
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    struct sgx_ssa_frame frame;

    if (tcs->cssa == 0)
        return gp();
    TRY(ssa_find(m, cpu, secs, cpu->secs, tcs, tcs->cssa - 1, &frame));
    cpu->ssa = frame;
    tcs->cssa--;
    return success();
}

// SDM 38.2 ENCLU.
static struct sgx_result run(struct sgx_model *m, struct sgx_cpu *cpu, u32 number)
{
    // A leaf that CPUID does not enumerate is undefined: #GP(0), not #UD (SDM 38.2 ENCLU).
    if (number >= ARRAY_SIZE(leaves) || !leaves[number].run || (number == ENCLU_EDECCSSA && !m->config.aex_notify))
        return gp();
    const struct leaf *leaf = &leaves[number];
    if (leaf->enters == cpu->in_enclave || (leaf->sgx2 && !m->config.sgx2))
        return gp();
    struct sgx_result result = leaf->run(m, cpu);
    if (result.vector)
        return result;
    if (leaf->reports) {
        cpu->gpr.rax = result.rax;
        cpu->gpr.rflags = (cpu->gpr.rflags & ~RFLAGS_STATUS) | (result.zf ? RFLAGS_ZF : 0);
    }
    if (!leaf->jumps)
        cpu->gpr.rip += ENCLU_LENGTH;
    return result;
}

struct sgx_result sgx_enclu(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u32 number = (u32)cpu->gpr.rax;
    struct sgx_event event = { .kind = SGX_EVENT_ENCLU, .leaf = number, .address = cpu->gpr.rip, .cpu = cpu };

    event.result = run(m, cpu, number);
    if (number < ARRAY_SIZE(m->count.enclu)) {
        m->count.enclu[number]++;
        m->count.enclu_failed[number] += event.result.vector || event.result.zf;
    }
    if (m->ops.event)
        m->ops.event(m->front, &event);
    return event.result;
}
