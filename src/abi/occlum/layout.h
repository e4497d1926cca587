// SPDX-License-Identifier: BSD-3-Clause
// Where everything lies in ELRANGE, and the signed enclave file that says so.
//
// ELRANGE begins at address 0 (nothing is mapped below USER_START), so every address here is both an
// offset and a linear address, and the signer applies the enclave's relocations: no relocation code and no
// writable relocated data is left for run time.
//
//     [0x10000 .......... user space .......... user_end)[image + blobs][thread slots][kernel heap]
#pragma once

#include "abi/sgx/arch.h"
#include "base/types.h"

#define ENCLAVE_USER_START 0x10000ul

#define ENCLAVE_LAYOUT_MAGIC 0x3154554f59414c4full // "OLAYOUT1"

enum enclave_mode { ENCLAVE_MODE_HW = 1, ENCLAVE_MODE_SIM = 2 };

// One slot per TCS. Slot i begins at slots_start + i * slot_stride:
//     [TCS 1 page][SSA NSSA * SSA_FRAME_PAGES][guard 1 page][kernel stack][guard 1 page][tls page]
enum {
    ENCLAVE_NSSA = 2,
    ENCLAVE_SSA_FRAME_PAGES = 4,
};

// Written by the signer from Enclave.xml and the LibOS's ELF file, measured, read by the trusted runtime
// (symbol `enclave_layout`, section .occlum.layout of the LibOS) and, in the enclave file's header, by the loader.
struct enclave_layout {
    u64 magic;
    u32 mode; // enum enclave_mode
    u32 edmm; // 1: pages beyond the initial ones are committed on demand
    u64 elrange_size;
    u64 user_start, user_end;      // address space of programs
    u64 user_committed_end;        // [user_start, this) is added at load (not EDMM: all that is backed)
    u64 user_limit;                // bytes of user memory that may be committed at once
    u64 image_start, image_end;    // LibOS segments
    u64 config_start, config_size; // struct occlum_config, read-only pages behind the image
    u64 slots_start, slot_stride;
    u32 slots_init, slots_max; // thread slots added at load, and at most
    u64 stack_size;            // of each slot, bytes
    u64 heap_start, heap_init_end, heap_end;
    u64 xfrm;  // bits of XCR0 the enclave uses
    u64 entry; // OENTRY
};

// Offsets within a slot.
#define ENCLAVE_SLOT_TCS 0ul
#define ENCLAVE_SLOT_SSA PAGE_SIZE
#define ENCLAVE_SLOT_STACK (PAGE_SIZE * (1 + ENCLAVE_NSSA * ENCLAVE_SSA_FRAME_PAGES + 1))
static inline u64 enclave_slot_tls(u64 stack_size) { return ENCLAVE_SLOT_STACK + stack_size + PAGE_SIZE; }
static inline u64 enclave_slot_stride(u64 stack_size) { return enclave_slot_tls(stack_size) + PAGE_SIZE; }

// The parts of an enclave, in bytes: what decides the size of ELRANGE. Each below 2^56, so that no sum wraps.
struct enclave_parts {
    u64 user;   // address space of programs: UserRegionSize, or ReservedMemInitSize
    u64 image;  // the LibOS in memory
    u64 config; // the measured configuration
    u64 slots;  // TCSMaxNum slots
    u64 heap;   // HeapMaxSize
    u64 least;  // bytes of ELRANGE at least: reservations of address space cost nothing in simulation and with EDMM
};

#define ENCLAVE_IMAGE_ALIGN MIB(2)
#define ENCLAVE_USER_GUARD MIB(2)               // between programs and LibOS
#define ENCLAVE_LEAST_SIMULATED (GIB(16) << 10) // 16 TiB: as much as databases and sanitizers reserve
#define ENCLAVE_LEAST_EDMM GIB(64)              // what every processor with SGX2 takes (CPUID 12H MaxEnclaveSize_64)
#define ENCLAVE_ELRANGE_MAX (1ull << 46)
#define ENCLAVE_SLOTS_MAX 65536
#define ENCLAVE_STACK_MAX GIB(1) // of a slot

// Bytes of ELRANGE, a power of two; 0 if it would exceed ENCLAVE_ELRANGE_MAX.
static inline u64 enclave_elrange_size(const struct enclave_parts *parts)
{
    u64 need = ENCLAVE_USER_START + parts->user + ENCLAVE_USER_GUARD + ENCLAVE_IMAGE_ALIGN + parts->image +
               ALIGN_UP(parts->config, PAGE_SIZE) + parts->slots + parts->heap;
    u64 size = MAX(parts->least, MIB(1));

    while (size < need && size <= ENCLAVE_ELRANGE_MAX)
        size *= 2;
    return size <= ENCLAVE_ELRANGE_MAX ? size : 0;
}

// What the signer writes at the start of each initial slot's tls page; the runtime writes the same for
// slots it creates. The rest of the page belongs to the trusted runtime (trusted/tls.h).
struct enclave_slot_tls {
    u64 self;      // address of this page
    u64 slot;      // index
    u64 tcs;       // address of the TCS page
    u64 stack_top; // end of the kernel stack
};

// The enclave file: header page(s), region table, page contents. Pages are added in the table's order.
#define ENCLAVE_FILE_MAGIC 0x31564c434e45434full // "OCENCLV1"
#define ENCLAVE_FILE_VERSION 1

enum enclave_region_flags {
    ENCLAVE_REGION_MEASURED = 1 << 0, // EEXTEND every page
    ENCLAVE_REGION_ZERO = 1 << 1,     // no bytes in the file: pages of zeros
};

struct enclave_region {
    u64 addr, size;  // bytes, page aligned
    u64 file_offset; // page aligned; 0 with ENCLAVE_REGION_ZERO
    u64 secinfo_flags;
    u64 flags;     // enum enclave_region_flags
    char name[24]; // "image", "kernel_heap", "user_space", "threads": the report's names
};

struct enclave_file_header {
    u64 magic;
    u32 version;
    u32 region_count;
    u64 region_offset; // of struct enclave_region[]
    u64 size;          // of the file
    u32 ssaframesize;  // pages
    u32 reserved;
    struct enclave_layout layout;
    struct sgx_sigstruct sigstruct;
};
