// SPDX-License-Identifier: BSD-3-Clause
// An enclave and its pages, as the driver keeps them.
#pragma once

#include "front/os/emu.h"

enum page_state { PAGE_ABSENT, PAGE_LOADED, PAGE_EVICTED };

struct swapped; // an evicted page: ciphertext, PCMD and its version array slot
struct patches; // where a page of code was patched (fsgsbase.c)
enum page_use { PAGE_DATA, PAGE_CODE, PAGE_MIXED };

// What the driver knows of one page of an enclave (its page array).
struct encl_page {
    u32 epc;     // EPC index while PAGE_LOADED
    u8 state;    // enum page_state
    u8 type;     // enum sgx_page_type as the driver set it
    u8 max_prot; // PROT_* that mappings may have
    bool added;  // by EADD
    u8 code;     // enum page_use: how the host's page tables may have it (fsgsbase.c)
    struct swapped *swap;
    struct patches *patches;
};

enum { CHUNK_PAGES = 512 };
struct encl {
    struct encl *next;
    u64 dev, ino; // of the memfd
    int memfd;
    u8 *mem; // the supervisor's own mapping of the memfd, ELRANGE bytes
    u64 base, size, clock;
    u32 secs;
    bool created, initialized;
    u64 attributes, attributes_mask, driver_pages;
    struct encl_page *pages;
    u8 *chunks; // by CHUNK_PAGES pages: may one of them not be absent? Most of a large ELRANGE never is
    struct va_page *va;
};
