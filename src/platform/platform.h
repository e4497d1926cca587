// SPDX-License-Identifier: BSD-3-Clause
// What gives the enclave its pages and its entries. One table per platform; the loader picks it by the enclave file's
// mode.
#pragma once

#include "abi/occlum/layout.h"

// A signed enclave file, mapped read-only.
struct enclave_file {
    const struct enclave_file_header *header;
    const struct enclave_region *regions;
    const u8 *bytes;
    u64 size;
    int fd;
};

struct enclave_exit {
    u64 reason, value; // abi/occlum/entry.h
};

struct platform_ops {
    const char *name;
    // Builds the enclave. 0 or -errno, after saying on stderr what is wrong and what helps.
    int (*load)(const struct enclave_file *file);
    // Prepares the calling host thread for entering (alternate stack, dispatch of raw system calls). 0 and what the
    // platform keeps of the thread, to be given to the calls below; or -errno.
    int (*attach_thread)(void **ret_thread);
    // EENTER at the TCS of slot; returns at EEXIT. Exceptions in between are the platform's to turn into AEX and
    // ERESUME. In simulation %fs is the program's after EXIT_OCALL: the code that serves host calls touches no
    // thread-local storage. After every other exit it is the host's.
    struct enclave_exit (*enter)(void *thread, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size);
    // Around work of a host call that needs libc. NULL: %fs is the host's anyway. libc_begin returns what libc_end
    // wants.
    u64 (*libc_begin)(void *thread);
    void (*libc_end)(void *thread, u64 program_fs);
    // Host call: the program's %fs base from now on. 0 or -errno; NULL where the enclave does it itself.
    int (*set_fs)(void *thread, u64 base);
    // Host calls on enclave memory. 0 or -errno; unsupported ones are NULL.
    int (*mem_protect)(u64 addr, u64 len, u32 prot);
    int (*mem_discard)(u64 addr, u64 len);
    int (*mem_commit)(u64 addr, u64 len);
    int (*mem_move)(u64 addr, u64 len, u64 from, u32 prot);
    int (*mem_contents)(u64 addr, u8 *flags, u64 count);
    int (*edmm_augment)(u64 addr, u64 len, u32 prot);
    int (*edmm_restrict)(u64 addr, u64 len, u32 prot);
    int (*edmm_type)(u64 addr, u64 len, u32 type);
    int (*edmm_remove)(u64 addr, u64 len);
};

extern const struct platform_ops platform_sgx, platform_sim;

// What only this side can count. Atomic.
struct platform_counts {
    u64 eadd, eenter, eexit;
};
extern struct platform_counts platform_counts;

// The host signal that interrupts a thread running in the enclave, so that it leaves by an AEX.
int platform_interrupt_signal(void);
