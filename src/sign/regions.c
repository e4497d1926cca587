// SPDX-License-Identifier: BSD-3-Clause
#include "sign/regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REG_RW (SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W)
#define SLOT_REGIONS 4
#define SLOT_SSA_SIZE (ENCLAVE_NSSA * ENCLAVE_SSA_FRAME_PAGES * PAGE_SIZE)

static void add(struct region_table *t, const char *name, u64 addr, u64 size, u64 secinfo, u64 flags)
{
    struct enclave_region *region = &t->entries[t->count++];

    *region = (struct enclave_region){ .addr = addr, .size = size, .secinfo_flags = secinfo, .flags = flags };
    memcpy(region->name, name, strlen(name) + 1);
}

// One region for each run of pages with the same access.
static void add_image(struct region_table *t, const struct enclave_layout *l, const struct libos_image *image)
{
    u64 pages = image->size / PAGE_SIZE;

    for (u64 first = 0, end; first < pages; first = end) {
        for (end = first + 1; end < pages && image->access[end] == image->access[first]; end++)
            ;
        if (image->access[first])
            add(t, "image", l->image_start + first * PAGE_SIZE, (end - first) * PAGE_SIZE,
                SGX_SECINFO_PT(SGX_PT_REG) | image->access[first], ENCLAVE_REGION_MEASURED);
    }
}

static void add_slot(struct region_table *t, const struct enclave_layout *l, u64 slot)
{
    u64 base = l->slots_start + slot * l->slot_stride;

    add(t, "threads", base + ENCLAVE_SLOT_TCS, PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_TCS), ENCLAVE_REGION_MEASURED);
    add(t, "threads", base + ENCLAVE_SLOT_SSA, SLOT_SSA_SIZE, REG_RW, ENCLAVE_REGION_ZERO);
    add(t, "threads", base + ENCLAVE_SLOT_STACK, l->stack_size, REG_RW, ENCLAVE_REGION_ZERO);
    add(t, "threads", base + enclave_slot_tls(l->stack_size), PAGE_SIZE, REG_RW, ENCLAVE_REGION_MEASURED);
}

static void place_in_file(struct region_table *t)
{
    u64 at = ALIGN_UP(REGION_TABLE_OFFSET + t->count * sizeof(struct enclave_region), PAGE_SIZE);

    for (u32 i = 0; i < t->count; i++) {
        if (t->entries[i].flags & ENCLAVE_REGION_ZERO)
            continue;
        t->entries[i].file_offset = at;
        at += t->entries[i].size;
    }
    t->file_size = at;
}

int regions_make(const struct enclave_layout *l, const struct libos_image *image, struct region_table *ret_table)
{
    size_t most = image->size / PAGE_SIZE + SLOT_REGIONS * (size_t)l->slots_init + 3;
    struct region_table t = { .entries = calloc(most, sizeof(struct enclave_region)) };

    if (!t.entries)
        return -ENOMEM;
    // Without EDMM the EPCM can never grant more than at load: programs' pages must be executable from the start.
    add(&t, "user_space", l->user_start, l->user_committed_end - l->user_start, REG_RW | (l->edmm ? 0 : SGX_SECINFO_X),
        ENCLAVE_REGION_ZERO);
    add_image(&t, l, image);
    if (l->config_size)
        add(&t, "image", l->config_start, ALIGN_UP(l->config_size, PAGE_SIZE),
            SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R, ENCLAVE_REGION_MEASURED);
    for (u32 i = 0; i < l->slots_init; i++)
        add_slot(&t, l, i);
    add(&t, "kernel_heap", l->heap_start, l->heap_init_end - l->heap_start, REG_RW, ENCLAVE_REGION_ZERO);
    place_in_file(&t);
    *ret_table = t;
    return 0;
}

static void make_tcs(const struct enclave_layout *l, u64 base, struct sgx_tcs *tcs)
{
    u64 tls = base + enclave_slot_tls(l->stack_size);

    tcs->ossa = base + ENCLAVE_SLOT_SSA;
    tcs->nssa = ENCLAVE_NSSA;
    tcs->oentry = l->entry;
    tcs->ofsbase = tcs->ogsbase = tls;
    tcs->fslimit = tcs->gslimit = 0xfff;
}

static const u8 *slot_page(const struct enclave_layout *l, u64 addr, u8 buffer[PAGE_SIZE])
{
    u64 slot = (addr - l->slots_start) / l->slot_stride, base = l->slots_start + slot * l->slot_stride;
    struct enclave_slot_tls tls = { .self = addr,
                                    .slot = slot,
                                    .tcs = base + ENCLAVE_SLOT_TCS,
                                    .stack_top = base + ENCLAVE_SLOT_STACK + l->stack_size };
    struct sgx_tcs tcs = { 0 };

    memset(buffer, 0, PAGE_SIZE);
    if (addr == base + ENCLAVE_SLOT_TCS) {
        make_tcs(l, base, &tcs);
        memcpy(buffer, &tcs, sizeof(tcs));
    } else {
        memcpy(buffer, &tls, sizeof(tls));
    }
    return buffer;
}

const u8 *region_page(const struct enclave_layout *l, const struct libos_image *image, const u8 *config, u64 addr,
                      u8 buffer[PAGE_SIZE])
{
    if (addr < l->image_end)
        return image->pages + (addr - l->image_start);
    if (addr >= l->slots_start)
        return slot_page(l, addr, buffer);
    u64 offset = addr - l->config_start;
    memset(buffer, 0, PAGE_SIZE);
    memcpy(buffer, config + offset, MIN(PAGE_SIZE, l->config_size - offset));
    return buffer;
}
