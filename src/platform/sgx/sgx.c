// SPDX-License-Identifier: BSD-3-Clause
// SGX by the Linux driver (5.11 and later): the signed file becomes an enclave. Nothing here knows whether the device
// is hardware's or an emulator's.
#include <errno.h>
#include <fcntl.h>
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "platform/sgx/sgx.h"

#define ADD_BATCH MIB(2) // of zeros, added with one call

struct enclave_layout sgx_layout;
int sgx_device = -1;
bool sgx_exinfo;

static int refuse(int error, const char *what, const char *cure)
{
    fprintf(stderr, "occlum: SGX: %s: %s. %s\n", what, strerror(error), cure);
    return -error;
}

// SDM 36.7.2: CPUID leaf 12H, subleaf 0, EBX: the MISCSELECT bits the CPU supports.
static u32 supported_miscselect(void)
{
    u32 a, b, c, d;
    return __get_cpuid_count(0x12, 0, &a, &b, &c, &d) ? b : 0;
}

// CPUID leaf 12H, subleaf 1, ECX and EDX: the XFRM bits the CPU supports.
static u64 supported_xfrm(void)
{
    u32 a, b, c, d;
    return __get_cpuid_count(0x12, 1, &a, &b, &c, &d) ? c | ((u64)d << 32) : 0;
}

static u64 enabled_xcr0(void)
{
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | ((u64)high << 32);
}

static int create(const struct enclave_file *file)
{
    const struct sgx_sigstruct *sig = &file->header->sigstruct;
    struct sgx_secs *secs = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    if (!secs)
        return -ENOMEM;
    memset(secs, 0, PAGE_SIZE);
    secs->size = file->header->layout.elrange_size;
    secs->ssaframesize = file->header->ssaframesize;
    secs->attributes.flags = sig->attributes.flags;
    secs->attributes.xfrm = file->header->layout.xfrm & supported_xfrm() & enabled_xcr0();
    // What the signature leaves open is taken when the CPU has it: page faults told to the enclave.
    secs->miscselect = sig->miscselect | (SGX_MISC_EXINFO & ~sig->miscmask & supported_miscselect());
    sgx_exinfo = secs->miscselect & SGX_MISC_EXINFO;

    struct sgx_enclave_create request = { .src = (u64)(uintptr_t)secs };
    int err = ioctl(sgx_device, SGX_IOC_ENCLAVE_CREATE, &request) == 0 ? 0 : -errno;
    free(secs);
    return err ? refuse(-err, "ECREATE", "The CPU may lack a feature the enclave asks for: see occlum status.") : 0;
}

static int add_pages(const void *bytes, u64 addr, u64 len, u64 secinfo_flags, bool measured)
{
    struct sgx_secinfo secinfo = { .flags = secinfo_flags };
    while (len) {
        struct sgx_enclave_add_pages request = {
            .src = (u64)(uintptr_t)bytes,
            .offset = addr,
            .length = len,
            .secinfo = (u64)(uintptr_t)&secinfo,
            .flags = measured ? SGX_PAGE_MEASURE : 0,
        };
        if (ioctl(sgx_device, SGX_IOC_ENCLAVE_ADD_PAGES, &request) != 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        platform_counts.eadd += request.count / PAGE_SIZE;
        bytes = (const u8 *)bytes + request.count;
        addr += request.count;
        len -= request.count;
    }
    return 0;
}

static int add_zeros(const struct enclave_region *region)
{
    static const void *zeros;
    int err = 0;
    if (!zeros) {
        void *at = mmap(NULL, ADD_BATCH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            return -errno;
        zeros = at;
    }
    for (u64 at = 0; at < region->size && !err; at += ADD_BATCH)
        err = add_pages(zeros, region->addr + at, MIN(ADD_BATCH, region->size - at), region->secinfo_flags,
                        region->flags & ENCLAVE_REGION_MEASURED);
    return err;
}

// The driver takes no source from a file system that forbids execution: then by way of a copy.
static int add_copied(const struct enclave_file *file, const struct enclave_region *region)
{
    void *copy = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return -errno;
    memcpy(copy, file->bytes + region->file_offset, region->size);
    int err =
        add_pages(copy, region->addr, region->size, region->secinfo_flags, region->flags & ENCLAVE_REGION_MEASURED);
    munmap(copy, region->size);
    return err;
}

static int add_region(const struct enclave_file *file, const struct enclave_region *region)
{
    if (region->flags & ENCLAVE_REGION_ZERO)
        return add_zeros(region);
    int err = add_pages(file->bytes + region->file_offset, region->addr, region->size, region->secinfo_flags,
                        region->flags & ENCLAVE_REGION_MEASURED);
    return err == -EACCES ? add_copied(file, region) : err;
}

static int init(const struct enclave_file *file)
{
    struct sgx_sigstruct *sig = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    if (!sig)
        return -ENOMEM;
    memcpy(sig, &file->header->sigstruct, sizeof(*sig));
    struct sgx_enclave_init request = { .sigstruct = (u64)(uintptr_t)sig };
    int result = ioctl(sgx_device, SGX_IOC_ENCLAVE_INIT, &request);
    free(sig);
    if (result == 0)
        return 0;
    if (result > 0) {
        fprintf(stderr,
                "occlum: SGX: EINIT refused the enclave: error %d of the CPU. Build it again: occlum build -f\n",
                result);
        return -EPERM;
    }
    return refuse(errno, "EINIT", "The signer may not be allowed on this machine.");
}

static int map(u64 start, u64 end, int prot)
{
    if (start >= end)
        return 0;
    void *at = mmap((void *)start, end - start, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, sgx_device, 0);
    if (at == (void *)start)
        return 0;
    int err = errno ? errno : EEXIST;
    return refuse(err, "the enclave's address range cannot be mapped",
                  "It begins at 64 KiB: see vm.mmap_min_addr and ulimit -v.");
}

// A mapping may allow no more than each page did when it was added; pages that come later may have any access, which
// the EPCM then limits. Absent pages of programs stay hidden until the enclave asks for them: a fault of the enclave on
// a mapping that allows it would have the driver augment the page at once, and fault again because it is not accepted
// yet.
static int map_enclave(const struct enclave_file *file)
{
    const struct enclave_layout *l = &sgx_layout;
    int err = map(l->user_start, l->user_committed_end, l->edmm ? PROT_READ | PROT_WRITE : PROT_NONE);
    if (!err && l->edmm)
        err = map(l->user_committed_end, l->user_end, PROT_NONE);
    for (u32 i = 0; i < file->header->region_count && !err; i++) {
        const struct enclave_region *region = &file->regions[i];
        static_assert(SGX_SECINFO_R == PROT_READ && SGX_SECINFO_W == PROT_WRITE && SGX_SECINFO_X == PROT_EXEC);
        if (region->addr >= l->user_end && region->addr < l->slots_start)
            err = map(region->addr, region->addr + region->size, (int)(region->secinfo_flags & 7));
    }
    return err ? err : map(l->slots_start, l->heap_end, PROT_READ | PROT_WRITE);
}

static int sgx_load(const struct enclave_file *file)
{
    sgx_layout = file->header->layout;
    sgx_device = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    if (sgx_device < 0)
        return refuse(errno, "/dev/sgx_enclave", "Is the user in its group?");
    int err = create(file);
    for (u32 i = 0; i < file->header->region_count && !err; i++) {
        err = add_region(file, &file->regions[i]);
        if (err)
            refuse(-err, "the enclave's pages cannot be added",
                   "There may be too little enclave memory (EPC): see Init sizes.");
    }
    if (!err)
        err = init(file);
    if (!err)
        err = map_enclave(file);
    if (!err)
        err = sgx_install_handlers();
    if (!err && sgx_layout.edmm) // the enclave clears them first of all: not an exit for each page
        sgx_touch(sgx_layout.user_start, sgx_layout.user_committed_end - sgx_layout.user_start);
    return err;
}

static int sgx_attach_thread(void **ret_thread)
{
    *ret_thread = NULL; // what a thread needs is thread-local here: outside of the enclave %fs is the host's
    return 0;
}

static int sgx_mem_protect(u64 addr, u64 len, u32 prot)
{
    if (!sgx_is_user_range(addr, len))
        return -EINVAL;
    return mprotect((void *)addr, len, (int)(prot & 7)) == 0 ? 0 : -errno;
}

// Without EDMM pages cannot be given back.
static int sgx_mem_discard(u64 addr, u64 len) { return sgx_is_user_range(addr, len) ? 0 : -EINVAL; }

const struct platform_ops platform_sgx = {
    .name = "sgx",
    .load = sgx_load,
    .attach_thread = sgx_attach_thread,
    .enter = sgx_enter_slot,
    .mem_protect = sgx_mem_protect,
    .mem_discard = sgx_mem_discard,
    .edmm_augment = sgx_edmm_augment,
    .edmm_restrict = sgx_edmm_restrict,
    .edmm_type = sgx_edmm_type,
    .edmm_remove = sgx_edmm_remove,
};
