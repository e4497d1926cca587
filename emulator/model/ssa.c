// SPDX-License-Identifier: BSD-3-Clause
// SSA frames (SDM 35.9): XSAVE area at the start, MISC and GPRSGX at the end of SSAFRAMESIZE pages.
#include "internal.h"

#include "base/string.h"

enum {
    XSAVE_LEGACY = 512,
    XSAVE_HEADER = 64,
    XSAVE_SW_RESERVED = 464,
    FCW_INIT = 0x37f,
    MXCSR_INIT = 0x1f80,
    MXCSR_AT = 24
};

u64 xsave_bytes(const struct sgx_model *m, u64 xfrm)
{
    u64 end = XSAVE_LEGACY + XSAVE_HEADER;

    for (u32 i = 2; i < ARRAY_SIZE(m->config.xsave); i++)
        if (xfrm >> i & 1)
            end = MAX(end, (u64)m->config.xsave[i].offset + m->config.xsave[i].size);
    return end;
}

u64 sgx_ssa_frame_bytes(const struct sgx_model *m, u64 xfrm, u32 miscselect)
{
    return xsave_bytes(m, xfrm) + sizeof(struct sgx_gprsgx) +
           (miscselect & SGX_MISC_EXINFO ? sizeof(struct sgx_exinfo) : 0);
}

static struct sgx_result ssa_page(struct sgx_model *m, const struct sgx_cpu *cpu, u32 secs_page, u64 linaddr,
                                  u32 *ret_page)
{
    // There is no check of ELRANGE: a page outside cannot have an EPCM entry that fits.
    TRY(operand_walk(m, cpu, linaddr, SGX_WRITE, ret_page));
    const struct sgx_epcm *e = &m->epcm[*ret_page];
    bool usable =
        page_belongs(e, secs_page, linaddr) && e->type == SGX_PT_REG && e->r && e->w && !e->pending && !e->modified;
    return usable ? success() : pf(linaddr, SGX_PFEC_P | SGX_PFEC_W | SGX_PFEC_U | SGX_PFEC_SGX); // both are demanded
}

struct sgx_result ssa_find(struct sgx_model *m, const struct sgx_cpu *cpu, const struct sgx_secs *secs, u32 secs_page,
                           const struct sgx_tcs *tcs, u32 n, struct sgx_ssa_frame *ret_frame)
{
    u64 frame_bytes = (u64)secs->ssaframesize * PAGE_SIZE;
    u64 base = secs->base + tcs->ossa + n * frame_bytes;
    u64 xsave_pages = DIV_ROUND_UP(xsave_bytes(m, secs->attributes.xfrm), PAGE_SIZE);
    struct sgx_ssa_frame frame = { .linaddr = base, .frame_pages = secs->ssaframesize };

    for (u64 i = 0; i < xsave_pages; i++)
        TRY(ssa_page(m, cpu, secs_page, base + i * PAGE_SIZE, &frame.xsave[i]));
    TRY(ssa_page(m, cpu, secs_page, base + frame_bytes - PAGE_SIZE, &frame.last));
    *ret_frame = frame;
    return success();
}

static u8 *ssa_byte(struct sgx_model *m, const struct sgx_ssa_frame *frame, u64 offset)
{
    u64 n = offset / PAGE_SIZE;
    u32 page = n == frame->frame_pages - 1u ? frame->last : frame->xsave[n];
    return page_data(m, page) + (offset & PAGE_MASK);
}

void ssa_read(struct sgx_model *m, const struct sgx_ssa_frame *frame, u64 offset, void *data, u64 size)
{
    u8 *out = data;
    while (size) {
        u64 part = MIN(size, PAGE_SIZE - (offset & PAGE_MASK));
        memcpy(out, ssa_byte(m, frame, offset), part);
        out += part, offset += part, size -= part;
    }
}

void ssa_write(struct sgx_model *m, const struct sgx_ssa_frame *frame, u64 offset, const void *data, u64 size)
{
    const u8 *in = data;
    while (size) {
        u64 part = MIN(size, PAGE_SIZE - (offset & PAGE_MASK));
        memcpy(ssa_byte(m, frame, offset), in, part);
        in += part, offset += part, size -= part;
    }
}

// Bytes of a component that the CPU's image really has.
static bool in_image(const struct sgx_cpu *cpu, const struct sgx_xsave_component *c)
{
    return (u64)c->offset + c->size <= cpu->xsave_size;
}

void ssa_save_xsave(struct sgx_model *m, const struct sgx_cpu *cpu, u64 xfrm)
{
    u64 header[3] = { 0 }; // XSTATE_BV, then 16 bytes that an AEX clears; the rest of the header it does not write

    memcpy(header, cpu->xsave + XSAVE_LEGACY, sizeof(header[0]));
    header[0] &= xfrm;
    ssa_write(m, &cpu->ssa, 0, cpu->xsave, XSAVE_SW_RESERVED);
    ssa_write(m, &cpu->ssa, XSAVE_LEGACY, header, sizeof(header));
    for (u32 i = 2; i < ARRAY_SIZE(m->config.xsave); i++) {
        const struct sgx_xsave_component *c = &m->config.xsave[i];
        if ((xfrm >> i & 1) && in_image(cpu, c))
            ssa_write(m, &cpu->ssa, c->offset, cpu->xsave + c->offset, c->size);
    }
}

bool ssa_xsave_valid(struct sgx_model *m, u64 xfrm, const struct sgx_ssa_frame *frame)
{
    u64 header[3]; // XSTATE_BV and bytes 8 to 23; the standard form looks at no more
    u32 mxcsr;

    ssa_read(m, frame, XSAVE_LEGACY, header, sizeof(header));
    ssa_read(m, frame, MXCSR_AT, &mxcsr, sizeof(mxcsr));
    return !(header[0] & ~xfrm) && !header[1] && !header[2] && !(mxcsr & 0xffff0000u);
}

// XSTATE_BV in the CPU's image: `bits` of the components in XFRM, those beyond it as they are.
static void set_xstate_bv(struct sgx_cpu *cpu, u64 xfrm, u64 bits)
{
    u64 bv;

    memcpy(&bv, cpu->xsave + XSAVE_LEGACY, sizeof(bv));
    bv = (bv & ~xfrm) | (bits & xfrm);
    memcpy(cpu->xsave + XSAVE_LEGACY, &bv, sizeof(bv));
}

// Bytes 464..511 are the host kernel's in the image (ptrace keeps XCR0 there), not state: neither function touches
// them.
void ssa_load_xsave(struct sgx_model *m, struct sgx_cpu *cpu, u64 xfrm, const struct sgx_ssa_frame *frame)
{
    u64 bv;

    ssa_read(m, frame, 0, cpu->xsave, XSAVE_SW_RESERVED);
    ssa_read(m, frame, XSAVE_LEGACY, &bv, sizeof(bv));
    set_xstate_bv(cpu, xfrm, bv);
    for (u32 i = 2; i < ARRAY_SIZE(m->config.xsave); i++) {
        const struct sgx_xsave_component *c = &m->config.xsave[i];
        if ((xfrm >> i & 1) && in_image(cpu, c))
            ssa_read(m, frame, c->offset, cpu->xsave + c->offset, c->size);
    }
}

void xsave_reset(const struct sgx_model *m, struct sgx_cpu *cpu, u64 xfrm)
{
    u16 fcw = FCW_INIT;
    u32 mxcsr = MXCSR_INIT;

    memset(cpu->xsave, 0, XSAVE_SW_RESERVED);
    memcpy(cpu->xsave, &fcw, sizeof(fcw));
    memcpy(cpu->xsave + MXCSR_AT, &mxcsr, sizeof(mxcsr));
    set_xstate_bv(cpu, xfrm, 3); // x87 and SSE are in the image, in their initial state
    for (u32 i = 2; i < ARRAY_SIZE(m->config.xsave); i++) {
        const struct sgx_xsave_component *c = &m->config.xsave[i];
        if ((xfrm >> i & 1) && in_image(cpu, c))
            memset(cpu->xsave + c->offset, 0, c->size);
    }
}
