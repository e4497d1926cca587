// SPDX-License-Identifier: BSD-3-Clause
// The SGX2 part of the driver's interface (Linux 6.0). The enclave asks, the driver changes the EPCM, the enclave
// accepts: nothing here is believed.
#include <errno.h>
#include <sys/ioctl.h>

#include "platform/sgx/sgx.h"

// An absent page is augmented when somebody touches it; from outside that costs a page fault and no exit of the
// enclave, and the byte read is of no page at all (abort page, SDM 34.5).
int sgx_edmm_augment(u64 addr, u64 len)
{
    return sgx_touch(addr, len) == len ? 0 : -ENOMEM;
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
    int result;
    do {
        struct sgx_enclave_modify_types request = { .offset = addr, .length = len, .page_type = type };
        result = ioctl(sgx_device, SGX_IOC_ENCLAVE_MODIFY_TYPES, &request);
        if (!again(result, request.count, &addr, &len))
            break;
    } while (true);
    return done(result);
}

int sgx_edmm_remove(u64 addr, u64 len)
{
    int result;
    do {
        struct sgx_enclave_remove_pages request = { .offset = addr, .length = len };
        result = ioctl(sgx_device, SGX_IOC_ENCLAVE_REMOVE_PAGES, &request);
        if (!again(result, request.count, &addr, &len))
            break;
    } while (true);
    return done(result);
}
