// SPDX-License-Identifier: BSD-3-Clause
// What all rooms of the front end share. One supervisor process, single-threaded; it holds every enclave page in a
// memfd per enclave (indexed by enclave offset), which the traced program has as its device file.
#pragma once

#include "base/types.h"
#include "model/model.h"

enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };
enum { EMU_PAGE = 4096, EMU_XSAVE_MAX = 16384 };

struct emu_options {
    u64 epc_bytes;
    u64 max_map_count; // of enclave mappings in an address space
    bool sgx1, driver_sgx1, no_vdso, trace, stats, check, no_batch, abort_page;
    const char *stats_file, *profile, *fuses;
};

struct task;
struct encl;

struct emu {
    struct emu_options options;
    struct sgx_model model;
    struct task *tasks;
    struct encl *enclaves;
    u64 provision_dev, provision_ino;
    u32 pages, used, peak;
    u64 evictions, page_faults, script_actions;
    u64 untouched_added, untouched_accepted; // pages nobody ever read or wrote, of enclaves that ended
    u64 kicks;                               // interrupts of threads inside after ETRACK
    bool bases_native;                       // enclaves execute RDFSBASE and its kin themselves
    u64 bases_replaced, bases_executed;      // such instructions found in code, and executed for enclaves
    struct encl **frame_owner;
    u8 *special; // contents of SECS and VA pages, by EPC index
    u32 *free_list;
};
extern struct emu emu;

// --trace
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern const char *const encls_names[16], *const enclu_names[16]; // NULL: no such leaf
const char *enclu_name(u32 leaf);
