// SPDX-License-Identifier: BSD-3-Clause
// The SGX2 ioctls of an initialised enclave, and EAUG.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "front/cpu/encl.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/driver/driver.h"
#include "front/driver/epc.h"
#include "front/driver/life.h"
#include "front/os/emu.h"
#include "front/os/remote.h"

struct change { // RESTRICT_PERMISSIONS and MODIFY_TYPES
    u64 offset, length, value, result, count;
};

static int load(struct task *t, struct encl *e, u64 page)
{
    if (e->pages[page].state == PAGE_ABSENT)
        return -EFAULT;
    return epc_load(t, e, page) < 0 ? -EFAULT : 0;
}

static u64 epc_of(const struct encl *e, u64 page) { return (u64)e->pages[page].epc * EMU_PAGE; }

static int read_change(struct task *t, struct encl *e, u64 argument, u64 allowed, struct change *ret_c)
{
    if (remote_read(t, argument, ret_c, sizeof(*ret_c)) < 0)
        return -EFAULT;
    if (driver_range(e, ret_c->offset, ret_c->length) < 0 || (ret_c->value & ~allowed))
        return -EINVAL;
    return 0;
}

static long restrict_page(struct task *t, struct encl *e, u64 page, struct change *c)
{
    struct sgx_secinfo secinfo = { .flags = c->value };
    int ret = load(t, e, page);
    if (ret < 0)
        return ret;
    if (e->pages[page].type != SGX_PT_REG)
        return -EINVAL;
    struct sgx_result r = sgx_emodpr(&emu.model, &secinfo, epc_of(e, page));
    if (!r.vector && r.rax)
        c->result = r.rax;
    if (r.vector || r.rax)
        return -EFAULT;
    encl_track(t, e);
    return 0;
}

long driver_restrict(struct task *t, struct encl *e, u64 argument)
{
    struct change c;
    long ret = read_change(t, e, argument, 7, &c);
    if (ret < 0)
        return ret;
    if (((c.value & SGX_SECINFO_W) && !(c.value & SGX_SECINFO_R)) || c.result || c.count)
        return -EINVAL;
    u64 page = c.offset / EMU_PAGE, done = 0;
    while (done < c.length / EMU_PAGE && !(ret = restrict_page(t, e, page + done, &c)))
        done++;
    view_lower(t, e, page, done);
    c.count = done * EMU_PAGE;
    return remote_write(t, argument, &c, sizeof(c)) < 0 ? -EFAULT : ret;
}

static long retype_page(struct task *t, struct encl *e, u64 page, struct change *c)
{
    struct sgx_secinfo secinfo = { .flags = SGX_SECINFO_PT(c->value) };
    struct encl_page *p = &e->pages[page];
    int ret = load(t, e, page);
    if (ret < 0)
        return ret;
    if (p->type != SGX_PT_REG && !(p->type == SGX_PT_TCS && c->value == SGX_PT_TRIM))
        return -EINVAL;
    u8 max_prot = p->max_prot;
    if (c->value == SGX_PT_TCS) {
        if (~p->max_prot & (PROT_READ | PROT_WRITE))
            return -EPERM;
        p->max_prot = PROT_READ | PROT_WRITE;
    }
    struct sgx_result r = sgx_emodt(&emu.model, &secinfo, epc_of(e, page));
    if (r.vector || r.rax) {
        p->max_prot = max_prot;
        if (!r.vector)
            c->result = r.rax;
        return -EFAULT;
    }
    p->type = (u8)c->value;
    encl_track(t, e);
    return 0;
}

long driver_types(struct task *t, struct encl *e, u64 argument)
{
    struct change c;
    long ret = read_change(t, e, argument, 0xff, &c);
    if (ret < 0)
        return ret;
    if (c.result || c.count || (c.value != SGX_PT_TCS && c.value != SGX_PT_TRIM))
        return -EINVAL;
    u64 page = c.offset / EMU_PAGE, done = 0;
    while (done < c.length / EMU_PAGE && !(ret = retype_page(t, e, page + done, &c)))
        done++;
    view_lower(t, e, page, done);
    c.count = done * EMU_PAGE;
    return remote_write(t, argument, &c, sizeof(c)) < 0 ? -EFAULT : ret;
}

// EMODPR on a trimmed page faults once the enclave has accepted it: that is how the kernel asks.
static long remove_page(struct task *t, struct encl *e, u64 page)
{
    struct sgx_secinfo secinfo = { .flags = 7 };
    struct encl_page *p = &e->pages[page];
    int ret = load(t, e, page);
    if (ret < 0)
        return ret;
    if (p->type != SGX_PT_TRIM)
        return -EPERM;
    struct sgx_result r = sgx_emodpr(&emu.model, &secinfo, epc_of(e, page));
    if (r.vector != SGX_PF)
        return -EPERM;
    r = sgx_eremove(&emu.model, epc_of(e, page));
    if (r.vector || r.rax) {
        trace("EREMOVE: vector %u, code %lu", r.vector, r.rax);
        return -EBUSY;
    }
    epc_free(p->epc);
    fsgsbase_restore(e, page);
    memset(p, 0, sizeof(*p));
    e->driver_pages--;
    return 0;
}

long driver_remove(struct task *t, struct encl *e, u64 argument)
{
    struct {
        u64 offset, length, count;
    } c;
    if (remote_read(t, argument, &c, sizeof(c)) < 0)
        return -EFAULT;
    if (driver_range(e, c.offset, c.length) < 0 || c.count)
        return -EINVAL;
    long ret = 0;
    u64 page = c.offset / EMU_PAGE, done = 0;
    while (done < c.length / EMU_PAGE && !(ret = remove_page(t, e, page + done)))
        done++;
    view_lower(t, e, page, done);
    if (done)
        madvise(e->mem + page * EMU_PAGE, done * EMU_PAGE, MADV_REMOVE);
    c.count = done * EMU_PAGE;
    return remote_write(t, argument, &c, sizeof(c)) < 0 ? -EFAULT : ret;
}

int driver_eaug(struct task *t, struct encl *e, u64 page)
{
    struct encl_page *p = &e->pages[page];
    if (!e->initialized || emu.options.sgx1 || emu.options.driver_sgx1)
        return -EFAULT;
    u32 index = epc_alloc(t, e);
    if (index == SGX_NO_PAGE)
        return -ENOMEM;
    if (encl_va_reserve(t, e) < 0) {
        epc_free(index);
        return -ENOMEM;
    }
    struct sgx_page_args args = { .linaddr = e->base + page * EMU_PAGE,
                                  .secs = (u64)e->secs * EMU_PAGE,
                                  .zeroed = true }; // a hole of the memfd
    struct sgx_result r = sgx_eaug(&emu.model, &args, (u64)index * EMU_PAGE);
    if (r.vector) {
        trace("EAUG: vector %u", r.vector);
        epc_free(index);
        encl_va_release(e);
        return -EFAULT;
    }
    encl_page_used(e, page);
    *p = (struct encl_page){
        .epc = index, .state = PAGE_LOADED, .type = SGX_PT_REG, .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC
    };
    return 0;
}
