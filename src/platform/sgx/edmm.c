// SPDX-License-Identifier: BSD-3-Clause
// The SGX2 part of the driver's interface (Linux 6.0). The enclave asks, the driver changes the EPCM, the enclave
// accepts: nothing here is believed.
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "abi/occlum/entry.h"
#include "platform/sgx/sgx.h"

// Shows more than was asked when the kernel has no room for so many separate mappings (vm.max_map_count): around the
// range, in larger and larger blocks. What is shown without need costs an exit more at its first touch, nothing else.
static int show(u64 addr, u64 len, u32 prot)
{
    u64 low = sgx_layout.user_committed_end, start = addr, end = addr + len;

    for (u64 block = KIB(64);; block *= 16) {
        if (mprotect((void *)start, end - start, (int)(prot & 7)) == 0)
            return 0;
        if (errno != ENOMEM || addr < low || block > sgx_layout.elrange_size)
            return -errno;
        start = MAX(ALIGN_DOWN(addr, block), low);
        end = MIN(ALIGN_UP(addr + len, block), sgx_layout.user_end);
    }
}

// An absent page is augmented when somebody touches it; from outside that costs a page fault and no exit of the
// enclave, and the byte read is of no page at all (abort page, SDM 34.5).
int sgx_edmm_augment(u64 addr, u64 len, u32 prot)
{
    if (prot == AUGMENT_HIDE)
        return mprotect((void *)addr, len, PROT_NONE) == 0 ? 0 : -errno;
    int err = prot && sgx_is_user_range(addr, len) ? show(addr, len, prot) : 0;
    return err ? err : sgx_touch(addr, len) == len ? 0 : -ENOMEM;
}

// The ioctls may stop after some pages: count says how far they came.
static bool again(int result, u64 count, u64 *offset, u64 *length)
{
    *offset += count;
    *length -= count;
    return *length && (result == 0 || errno == EINTR || errno == EAGAIN || errno == EBUSY);
}

static int done(int result) { return result == 0 ? 0 : -errno; }

int sgx_edmm_restrict(u64 addr, u64 len, u32 prot)
{
    int result;
    do {
        struct sgx_enclave_restrict_permissions request = { .offset = addr, .length = len, .permissions = prot };
        result = ioctl(sgx_device, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &request);
        if (!again(result, request.count, &addr, &len))
            break;
    } while (true);
    return done(result);
}

int sgx_edmm_type(u64 addr, u64 len, u32 type)
{
    u64 start = addr, size = len;
    int result;
    do {
        struct sgx_enclave_modify_types request = { .offset = addr, .length = len, .page_type = type };
        result = ioctl(sgx_device, SGX_IOC_ENCLAVE_MODIFY_TYPES, &request);
        if (!again(result, request.count, &addr, &len))
            break;
    } while (true);
    // The driver took the pages out of the page tables: they are brought back from outside, or each EACCEPT would exit.
    sgx_touch(start, size);
    return done(result);
}

int sgx_edmm_remove(u64 addr, u64 len)
{
    u64 start = addr, size = len;
    int result;
    do {
        struct sgx_enclave_remove_pages request = { .offset = addr, .length = len };
        result = ioctl(sgx_device, SGX_IOC_ENCLAVE_REMOVE_PAGES, &request);
        if (!again(result, request.count, &addr, &len))
            break;
    } while (true);
    if (result == 0 && sgx_is_user_range(start, size) && mprotect((void *)start, size, PROT_NONE) != 0 &&
        errno != ENOMEM)
        return -errno;
    return done(result);
}
